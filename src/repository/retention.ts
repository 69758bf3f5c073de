/**
 * Which snapshots are kept, by restic's rules (restic 0.17, internal/restic/snapshot_policy.go `ApplyPolicy`) and two of
 * our own: the newest one and the last verified one always stay. Pure.
 */

/** What an operator asks for; 0 and null are rules that were not given. */
export interface Policy {
  readonly last: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  /** Milliseconds before the newest snapshot; null for no such rule. */
  readonly withinMs: number | null;
  /** Bytes that the kept snapshots may occupy together; null for no limit. */
  readonly maxBytes: number | null;
}

/** What retention knows of a snapshot. */
export interface Candidate {
  readonly id: string;
  /** ISO 8601. */
  readonly time: string;
  readonly isVerified: boolean;
}

export interface Decision<C extends Candidate> {
  readonly snapshot: C;
  /** Why it is kept; empty where it is removed. */
  readonly reasons: readonly string[];
}

interface Bucket {
  left: number;
  last: string;
  readonly reason: string;
  readonly keyOf: (time: Date, position: number) => string;
}

/** True where the policy says nothing, and everything would go. */
export function isEmpty({ last, daily, weekly, monthly, withinMs, maxBytes }: Policy): boolean {
  return last + daily + weekly + monthly === 0 && withinMs === null && maxBytes === null;
}

/**
 * Decides over the snapshots of one source, given and returned in the order in which they were made. Days, weeks (ISO)
 * and months are those of UTC. `bytesOf` tells what a set of snapshots occupies together.
 */
export function applyPolicy<C extends Candidate>(
  snapshots: readonly C[],
  policy: Policy,
  { now, bytesOf }: { readonly now: Date; readonly bytesOf: (kept: readonly C[]) => number },
): readonly Decision<C>[] {
  const newestFirst = snapshots.toReversed();
  const always = reasonsToKeepAlways(snapshots);
  const latest = latestTime(snapshots, now);
  const buckets = bucketsOf(policy);
  const hasRules = !isEmpty({ ...policy, maxBytes: null });
  const decisions = newestFirst.map((snapshot, position) => {
    const time = new Date(snapshot.time);
    const isOldest = position === newestFirst.length - 1;
    const ruled = [
      ...(policy.withinMs !== null && time.getTime() > latest - policy.withinMs ? ['within'] : []),
      ...buckets.flatMap((bucket) => taken(bucket, time, position, isOldest)),
      // A limit of bytes alone says nothing of age.
      ...(hasRules ? [] : ['within the size']),
    ];
    return { snapshot, reasons: [...ruled, ...(always.get(snapshot) ?? [])] };
  });
  return withinSize(decisions.toReversed(), policy.maxBytes, always, bytesOf);
}

/** The oldest snapshot is kept as well where a rule has some left: that makes the history longest. */
function taken(bucket: Bucket, time: Date, position: number, isOldest: boolean): readonly string[] {
  if (bucket.left === 0) return [];
  const key = bucket.keyOf(time, position);
  if (key === bucket.last && !isOldest) return [];
  const reason = key === bucket.last ? `oldest ${bucket.reason}` : bucket.reason;
  bucket.last = key;
  bucket.left -= 1;
  return [reason];
}

function bucketsOf({ last, daily, weekly, monthly }: Policy): readonly Bucket[] {
  const bucket = (left: number, reason: string, keyOf: Bucket['keyOf']): Bucket => ({ left, last: '', reason, keyOf });
  return [
    bucket(last, 'last snapshot', (_, position) => String(position)),
    bucket(daily, 'daily snapshot', (time) => time.toISOString().slice(0, 10)),
    bucket(weekly, 'weekly snapshot', isoWeek),
    bucket(monthly, 'monthly snapshot', (time) => time.toISOString().slice(0, 7)),
  ];
}

/** Drops the oldest first. */
function withinSize<C extends Candidate>(
  decisions: readonly Decision<C>[],
  maxBytes: number | null,
  always: ReadonlyMap<C, readonly string[]>,
  bytesOf: (kept: readonly C[]) => number,
): readonly Decision<C>[] {
  if (maxBytes === null) return decisions;
  const kept = new Set(decisions.filter(({ reasons }) => reasons.length > 0).map(({ snapshot }) => snapshot));
  for (const { snapshot } of decisions) {
    if (bytesOf([...kept]) <= maxBytes) break;
    if (!always.has(snapshot)) kept.delete(snapshot);
  }
  return decisions.map((decision) => (kept.has(decision.snapshot) ? decision : { ...decision, reasons: [] }));
}

function reasonsToKeepAlways<C extends Candidate>(snapshots: readonly C[]): ReadonlyMap<C, readonly string[]> {
  const newest = snapshots.at(-1);
  const verified = snapshots.findLast(({ isVerified }) => isVerified);
  return new Map(
    snapshots.flatMap((snapshot) => {
      const reasons = [
        ...(snapshot === newest ? ['newest snapshot'] : []),
        ...(snapshot === verified ? ['last verified snapshot'] : []),
      ];
      return reasons.length === 0 ? [] : [[snapshot, reasons] as const];
    }),
  );
}

/** A snapshot from the future, made while the clock was wrong, must not make all others old. */
function latestTime(snapshots: readonly Candidate[], now: Date): number {
  const times = snapshots.map(({ time }) => Date.parse(time));
  return Math.max(0, ...times.filter((time) => time < now.getTime()));
}

/** `2026-W47`: weeks begin on Monday, and belong to the year that their Thursday is in. */
function isoWeek(time: Date): string {
  const day = (time.getUTCDay() + 6) % 7;
  const thursday = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() - day + 3));
  const year = thursday.getUTCFullYear();
  const ordinal = (thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000;
  return `${year}-W${String(Math.floor(ordinal / 7) + 1).padStart(2, '0')}`;
}
