/**
 * Switching Chroma's own purge on or off: what is to be written, or why it may not be. A command of its own, and a step
 * of a vacuum.
 */
import {
  autoPurgeText,
  examineAutoPurge,
  type AutoPurge,
  type AutoPurgeReading,
  type DecidedAutoPurge,
} from '../../chroma/auto-purge.ts';
import type { Schema } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { isBefore, versionIn } from '../../chroma/version.ts';
import { MaintError } from '../../errors.ts';
import { shellWord } from '../../shell-word.ts';
import type { Database } from '../../sqlite/open.ts';
import type { SpaceNeed } from '../guard-context.ts';

export interface AutoPurgeWish {
  readonly to: DecidedAutoPurge;
  /** The version that will open the directory from now on, as `0.6.3`; null where nobody has said. */
  readonly chromaVersion: string | null;
}

/** What becomes of the setting. */
export interface AutoPurgeStep {
  readonly before: AutoPurge;
  readonly after: DecidedAutoPurge;
  /** What is to be written; null where it says so already. */
  readonly text: string | null;
}

/** The first version whose purge looks at the topic (docs/FORMAT.md, "Auto-purge"). */
const FIRST_SAFE = versionIn('0.5.13');

/** Schema, header and one leaf page, with what an INSERT may split. */
const JOURNAL_BYTES = 64 * 1024;

/**
 * Decides what to write. Throws UNSUPPORTED_SCHEMA where there is nothing to set, or what stands there is not Chroma's,
 * and USAGE where the version that will open the directory is too old, or has to be named.
 */
export function planAutoPurgeStep(db: Database, schema: Schema, wish: AutoPurgeWish, dir: PersistDir): AutoPurgeStep {
  const { to, chromaVersion } = wish;
  const reading = examineAutoPurge(db, schema);
  if (reading.state === 'not-available') throw notAvailable(schema, dir);
  if (chromaVersion !== null) verifyNotOlder(chromaVersion, schema, dir);
  verifyAsWritten(reading, dir);
  // Whoever names a version that loses records by it is told so, whatever the setting is now.
  if (to === 'on' && chromaVersion !== null) verifyPurgesOwnRows(schema, wish, reading, dir);
  if (reading.state === to) return { before: reading.state, after: to, text: null };
  if (to === 'on') verifyPurgesOwnRows(schema, wish, reading, dir);
  return { before: reading.state, after: to, text: autoPurgeText(to, schema) };
}

/** True where something is to be written. */
export function isSwitching(step: AutoPurgeStep | null): boolean {
  return (step?.text ?? null) !== null;
}

/** What the transaction that writes the setting needs. */
export function autoPurgeNeed({ path }: PersistDir): SpaceNeed {
  return { directory: path, bytes: JOURNAL_BYTES, purpose: 'the rollback journal' };
}

/** What was done, for the report of work that was cut short. */
export function autoPurgeDone({ after }: Pick<AutoPurgeStep, 'after'>): string {
  return `auto-purge was switched ${after}`;
}

function notAvailable({ writtenBy }: Schema, { given, path }: PersistDir): MaintError {
  return new MaintError('UNSUPPORTED_SCHEMA', {
    message: `this directory has no setting for auto-purge: ${path}`,
    details: [`it came with Chroma 0.5.6, and the directory was last written by Chroma ${writtenBy}`],
    hint: `delete what is saved from time to time: chroma-maint prune ${shellWord(given)}`,
  });
}

function verifyNotOlder(chromaVersion: string, { writtenBy }: Schema, { path }: PersistDir): void {
  if (!isBefore(versionIn(chromaVersion), versionIn(writtenBy))) return;
  throw new MaintError('USAGE', {
    message: `Chroma ${chromaVersion} is older than what has written this directory: ${path}`,
    details: [`it was last written by Chroma ${writtenBy}`],
    hint: 'name with --chroma-version the version that will open it from now on',
  });
}

function verifyAsWritten({ problem }: AutoPurgeReading, { databasePath }: PersistDir): void {
  if (problem === null) return;
  throw new MaintError('UNSUPPORTED_SCHEMA', {
    message: `the setting of auto-purge is not one that Chroma writes: ${databasePath}`,
    details: [`in the table embeddings_queue_config ${problem}`],
    hint: 'it is not overwritten, for a newer Chroma may have written it; look at it with: sqlite3 -readonly',
  });
}

/** In generation D 0.5.6 to 0.5.12, which take other collections' rows along, cannot be told from later versions. */
function verifyPurgesOwnRows(
  { generation }: Schema,
  { chromaVersion }: AutoPurgeWish,
  { state }: AutoPurgeReading,
  { given, path }: PersistDir,
): void {
  if (generation !== 'D') return;
  if (chromaVersion !== null && !isBefore(versionIn(chromaVersion), FIRST_SAFE)) return;
  const which =
    chromaVersion === null ? 'a Chroma that may open this directory' : `Chroma ${chromaVersion}, which is to open it,`;
  const details = ['Chroma 0.5.6 to 0.5.12 purge rows of other collections too, whose vectors may exist nowhere else'];
  if (state === 'on') {
    throw new MaintError('USAGE', {
      message: `auto-purge is on, and ${which} loses records by it: ${path}`,
      details,
      hint: `switch it off: chroma-maint wal config ${shellWord(given)} --auto-purge off`,
    });
  }
  throw new MaintError('USAGE', {
    message: `auto-purge is not switched on, for ${which} would lose records: ${path}`,
    details,
    hint: 'name with --chroma-version the version that will open it from now on, 0.5.13 or later, and use no older one',
  });
}
