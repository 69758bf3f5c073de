import type { CreateReport } from '../../../operations/backup/create.ts';
import type { ForgetPlan } from '../../../operations/backup/forget.ts';
import type { BackupList } from '../../../operations/backup/list.ts';
import { totalsOf } from '../../../operations/backup/totals.ts';
import type { RestorePlan, RestoreReport } from '../../../operations/backup/restore.ts';
import { isVerified } from '../../../operations/backup/verification.ts';
import type { VerifyReport } from '../../../operations/backup/verify.ts';
import type { Snapshot } from '../../../repository/snapshots.ts';

/** The documented fields of `backup create --json` (docs/JSON.md), also the field `backup` of prune and vacuum. */
export function createJson(report: CreateReport): object {
  const { snapshot, newBytes } = report;
  return {
    changed: true,
    repository: report.request.repository,
    snapshot: { ...snapshotJson(snapshot), newBytes },
    wasInUse: snapshot.manifest.source.wasInUse,
    contentSha256: snapshot.manifest.contents.contentSha256,
    leftOut: report.leftOut,
    runaways: report.runaways.map(({ path, size, allocated }) => ({ path, bytes: size, allocatedBytes: allocated })),
    damagedIndexes: report.damagedIndexes,
    clockSetBack: report.isClockSetBack,
  };
}

export function listJson({ repository, snapshots, unreadable }: BackupList): object {
  return {
    schema: 'chroma-maint/backup-list@1',
    repository: repository.path,
    bytes: snapshots.reduce((sum, { newBytes }) => sum + newBytes, 0),
    snapshots: snapshots.map(({ snapshot, newBytes }) => ({ ...snapshotJson(snapshot), newBytes })),
    unreadable: unreadable.map(({ id, name, because }) => ({ id, name, ...because })),
  };
}

export function verifyJson({ request, results }: VerifyReport): object {
  return {
    schema: 'chroma-maint/backup-verify@1',
    repository: request.repository,
    full: request.isFull,
    snapshots: results.map((result) => {
      const { id, name } = result.snapshot;
      if (result.kind === 'unreadable') {
        const { message, details } = result.snapshot.because;
        const what = [message, ...details].join('; ');
        return { id, name, sound: false, problems: [{ path: 'manifest.json', what }], findings: null, recorded: false };
      }
      const { problems, findings, isRecorded } = result;
      return { id, name, sound: problems.length === 0, problems, findings, recorded: isRecorded };
    }),
  };
}

export function restoreJson(plan: RestorePlan, report: RestoreReport | null): object {
  return {
    schema: 'chroma-maint/backup-restore@1',
    dryRun: plan.isDryRun,
    changed: report !== null,
    repository: plan.repository.path,
    snapshot: { id: plan.snapshot.id, name: plan.snapshot.name, time: plan.snapshot.manifest.time },
    target: plan.place.path,
    bytes: plan.bytes,
    replaced: report?.outgoing ?? null,
    ownersKept: report?.hasOwners ?? null,
    settled: report?.settled ?? null,
  };
}

export function forgetJson(plan: ForgetPlan, removed: number): object {
  return {
    schema: 'chroma-maint/backup-forget@1',
    dryRun: plan.isDryRun,
    changed: removed > 0,
    repository: plan.repository.path,
    bytes: plan.bytes,
    removed,
    snapshots: plan.decisions.map(({ snapshot: { id, time, snapshot }, reasons }) => ({
      id,
      name: snapshot.name,
      time,
      source: snapshot.manifest.source.path,
      keep: reasons.length > 0,
      reasons,
    })),
    unreadable: plan.unreadable.map(({ id, name, because }) => ({ id, name, ...because })),
  };
}

function snapshotJson(snapshot: Snapshot): object {
  const { id, name, path, manifest, verification } = snapshot;
  const { files, contents, source, time, number } = manifest;
  const { bytes, records } = totalsOf(snapshot);
  return {
    id,
    name,
    path,
    time,
    number,
    source: source.path,
    bytes,
    files: files.length,
    collections: contents.collections.length,
    records,
    verifiedAt: isVerified(snapshot) ? (verification?.time ?? null) : null,
    verification,
  };
}
