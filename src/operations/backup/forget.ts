/**
 * backup forget: removes the snapshots that a policy does not keep.
 */
import { MaintError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { inWords } from '../../repository/failures.ts';
import { changing, openRepository, remove, type Repository } from '../../repository/repository.ts';
import { applyPolicy, isEmpty, type Decision, type Policy } from '../../repository/retention.ts';
import {
  newBytes,
  readSnapshots,
  type Snapshot,
  type SnapshotList,
  type UnreadableSnapshot,
} from '../../repository/snapshots.ts';
import type { Observer } from '../observer.ts';
import type { Machine } from '../guard-context.ts';
import { isVerified } from './verification.ts';

export interface ForgetRequest {
  readonly repository: string;
  readonly policy: Policy;
  /** How long to wait for another run, in milliseconds. */
  readonly waitMs: number;
}

export interface ForgetPlan {
  readonly isDryRun: boolean;
  readonly request: ForgetRequest;
  readonly repository: Repository;
  /** In the order in which the snapshots were made, each source by itself. */
  readonly decisions: readonly Decision<ForgetCandidate>[];
  /** Directories that the snapshots are of. */
  readonly sources: number;
  /** Never removed: nothing is known of them. */
  readonly unreadable: readonly UnreadableSnapshot[];
  /** Bytes that are given back. */
  readonly bytes: number;
}

export interface ForgetReport {
  readonly plan: ForgetPlan;
  readonly removed: number;
}

export interface ForgetCandidate {
  readonly id: string;
  readonly time: string;
  readonly isVerified: boolean;
  readonly snapshot: Snapshot;
}

/** Plans which snapshots go. Reads only. */
export function planForget(request: ForgetRequest, host: Host, isDryRun: boolean): Promise<ForgetPlan> {
  return inWords(request.repository, () => {
    verifyPolicy(request);
    const repository = openRepository(request.repository);
    return planOn(repository, readSnapshots(repository), request, { host, isDryRun });
  });
}

/**
 * Removes what the policy does not keep, one snapshot after the other, the oldest first. Throws PLAN_STALE where those
 * are others than the `agreed` ones, by name; null where nobody was asked.
 */
export function forgetBackups(
  request: ForgetRequest,
  agreed: readonly string[] | null,
  { host }: Machine,
  observer: Observer,
): Promise<ForgetReport> {
  return inWords(request.repository, () => {
    observer.onStage('checking');
    verifyPolicy(request);
    const repository = openRepository(request.repository);
    return changing(repository, { host, waitMs: request.waitMs }, () => {
      const plan = planOn(repository, readSnapshots(repository), request, { host, isDryRun: false });
      const going = goingIn(plan);
      if (agreed !== null && agreed.join() !== going.map(({ name }) => name).join()) throw stale(repository);
      observer.onStage('removing');
      for (const { name } of going) remove(repository, name, host);
      return Promise.resolve({ plan, removed: going.length });
    });
  });
}

/** The snapshots that are to be removed. */
export function goingIn({ decisions }: ForgetPlan): readonly Snapshot[] {
  return decisions.filter(({ reasons }) => reasons.length === 0).map(({ snapshot: { snapshot } }) => snapshot);
}

function verifyPolicy({ policy }: ForgetRequest): void {
  if (!isEmpty(policy)) return;
  throw new MaintError('USAGE', {
    message: 'no policy was specified, no snapshots will be removed',
    hint: 'say what to keep, for example: --keep-daily 7 --keep-weekly 4',
  });
}

function planOn(
  repository: Repository,
  { snapshots, unreadable }: SnapshotList,
  request: ForgetRequest,
  { host, isDryRun }: { readonly host: Host; readonly isDryRun: boolean },
): ForgetPlan {
  const sources = new Set(snapshots.map(({ manifest }) => manifest.source.path));
  const decisions = [...sources].flatMap((source) => {
    const candidates = snapshots.filter(({ manifest }) => manifest.source.path === source).map(candidate);
    return applyPolicy(candidates, request.policy, { now: host.now(), bytesOf });
  });
  const all = decisions.map(({ snapshot }) => snapshot);
  const kept = decisions.filter(({ reasons }) => reasons.length > 0).map(({ snapshot }) => snapshot);
  return {
    isDryRun,
    request,
    repository,
    decisions,
    sources: sources.size,
    unreadable,
    bytes: bytesOf(all) - bytesOf(kept),
  };
}

/** Bytes that snapshots occupy together. */
function bytesOf(candidates: readonly ForgetCandidate[]): number {
  const added = newBytes(candidates.map(({ snapshot }) => snapshot));
  return [...added.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function candidate(snapshot: Snapshot): ForgetCandidate {
  return { id: snapshot.id, time: snapshot.manifest.time, isVerified: isVerified(snapshot), snapshot };
}

function stale({ given }: Repository): MaintError {
  return new MaintError('PLAN_STALE', {
    message: `${given} changed after the plan was shown`,
    details: ['other snapshots would be removed now than those that were agreed to'],
    hint: 'run this again and look at the new plan',
  });
}
