/**
 * A directory that shows a kind of finding, and the same fixture without it.
 */
import type { Host } from '../../../src/host/host.ts';
import { realHost } from '../../../src/host/real-host.ts';
import { check } from '../../../src/operations/check/check.ts';
import type { CheckReport } from '../../../src/operations/check/report.ts';
import type { Severity } from '../../../src/operations/findings/texts.ts';
import type { FindingKind } from '../../../src/operations/findings/kinds.ts';
import type { Stage } from '../../../src/operations/observer.ts';
import { on, SILENT } from '../../support/agreed.ts';
import { unpacked } from '../../support/fixtures.ts';
import { NOBODY } from '../../support/holders.ts';
import { run } from '../../support/run.ts';

export interface Case {
  /** What is special about it, where a kind has several. */
  readonly title?: string;
  readonly severity: Severity;
  readonly fixture: string;
  /** What is done to the fixture so that it shows the finding; left out where it does as it is. */
  readonly shown?: (dir: string) => unknown;
  /** What is done to the fixture so that it does not; left out where it does not as it is. */
  readonly clean?: (dir: string) => unknown;
  /** Another fixture, where none can be with and without it. */
  readonly cleanFixture?: string;
  /** The machine on which it shows. */
  readonly machine?: (dir: string) => Partial<Host>;
  /** What somebody else does while the check is at work. */
  readonly meanwhile?: (dir: string, stage: Stage) => void;
  /** All findings of the kind, as `[subject, message]`, asked of the directory in another way. */
  readonly finds: (dir: string) => readonly Found[];
  /** What else the damage shows. */
  readonly along?: readonly FindingKind[];
  /** Only with --deep, or only without; left out for both. */
  readonly only?: 'deep' | 'not deep';
  /** True where nothing else can be found beside it. */
  readonly stopsEverything?: boolean;
}

export type Found = readonly [subject: string, message: string | RegExp];
export type Cases<Kind extends FindingKind> = Readonly<Record<Kind, readonly [Case, ...Case[]]>>;

/** A copy of the fixture that shows the finding. */
export async function made({ fixture, shown }: Pick<Case, 'fixture' | 'shown'>): Promise<string> {
  const dir = await unpacked(fixture);
  await shown?.(dir);
  return dir;
}

/** Checks `dir` on a machine where nobody else is, but for what `machine` has different. */
export function checked(
  dir: string,
  isDeep: boolean,
  { machine, meanwhile, redact = false }: Pick<Case, 'machine' | 'meanwhile'> & { readonly redact?: boolean } = {},
): Promise<CheckReport> {
  const host = { ...realHost, holdersOf: () => NOBODY, ...machine?.(dir) };
  const observer = { ...SILENT, onStage: (stage: Stage) => meanwhile?.(dir, stage) };
  return check({ path: dir, isDeep, isWhileRunning: true, redact }, on(host), observer);
}

export function kindsIn({ findings }: CheckReport): readonly FindingKind[] {
  return [...new Set(findings.map(({ id }) => id))];
}

/** Has `clean` remove what deleted collections left. */
export async function cleaned(dir: string, ...options: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await run(['clean', dir, '--yes', '--min-age', '0s', ...options]);
  if (exitCode !== 0) throw new Error(`clean ended with ${exitCode}: ${stderr}`);
}
