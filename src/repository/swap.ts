/**
 * A directory put in the place of another by two renames, with a journal file beside them: Node.js has no exchange of
 * two names in one step. Whoever comes later finds out by the identity of the directories how far it had come.
 */
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { MaintError, systemErrorCode } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { besidePath } from './beside.ts';

const SwapJournal = v.object({
  /** Name in the parent directory; the others follow from the target's. */
  outgoing: v.string(),
  /** Inodes, for names alone do not tell. No device numbers: the next start of the machine may give others. */
  targetInode: v.string(),
  incomingInode: v.string(),
});
type SwapJournal = v.InferOutput<typeof SwapJournal>;

/** What a swap that was cut off has come to. */
export type Settled =
  /** The old directory stays where it is; the new one, which never was there, is removed. */
  | { readonly kind: 'undone' }
  /** The new one is in place; the old one is at `outgoing`. */
  | { readonly kind: 'finished'; readonly outgoing: string };

/**
 * Puts the directory that was put together beside `target` in its place. What is there goes to `outgoing`, a name in the
 * same parent. Both were there before, and one of them is at `target` whenever this ends.
 */
export function swapIn(target: string, outgoing: string, host: Host): void {
  const incoming = incomingOf(target);
  const journal: SwapJournal = {
    outgoing: basename(outgoing),
    targetInode: inodeOf(target) ?? '',
    incomingInode: inodeOf(incoming) ?? '',
  };
  writeFileSync(`${journalOf(target)}.new`, JSON.stringify(journal), { mode: 0o600 });
  host.sync(`${journalOf(target)}.new`);
  renameSync(`${journalOf(target)}.new`, journalOf(target));
  host.sync(dirname(target));
  renameSync(target, outgoing);
  host.sync(dirname(target));
  moveIn(target, incoming, outgoing, host);
}

/**
 * Finishes or undoes what a run that was cut off has left at `target`; null where there was nothing. Only while no other
 * run puts anything there. Throws where something else has taken the place meanwhile, and leaves everything as it is.
 */
export function settle(target: string, host: Host): Settled | null {
  rmSync(`${journalOf(target)}.new`, { force: true });
  const journal = readJournal(target);
  const incoming = incomingOf(target);
  if (journal === null) {
    rmSync(incoming, { recursive: true, force: true });
    return null;
  }
  const outgoing = join(dirname(target), journal.outgoing);
  const [there, kept] = [inodeOf(target), inodeOf(outgoing)];
  if (there === journal.targetInode) {
    rmSync(incoming, { recursive: true, force: true });
    endJournal(target, host);
    return { kind: 'undone' };
  }
  if (there === null && kept === journal.targetInode && inodeOf(incoming) === journal.incomingInode) {
    moveIn(target, incoming, outgoing, host);
    return { kind: 'finished', outgoing };
  }
  if (there === journal.incomingInode) {
    endJournal(target, host);
    return { kind: 'finished', outgoing };
  }
  throw occupied(target, incoming, outgoing);
}

function moveIn(target: string, incoming: string, outgoing: string, host: Host): void {
  try {
    renameSync(incoming, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) throw error;
    throw occupied(target, incoming, outgoing);
  }
  endJournal(target, host);
}

/** The swap is on the disk before its journal goes. */
function endJournal(target: string, host: Host): void {
  host.sync(dirname(target));
  rmSync(journalOf(target), { force: true });
  host.sync(dirname(target));
}

function readJournal(target: string): SwapJournal | null {
  try {
    return v.parse(SwapJournal, JSON.parse(readFileSync(journalOf(target), 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw new MaintError('CORRUPT', {
      message: `the journal of a restore that was cut off cannot be read: ${journalOf(target)}`,
      hint: 'look at the directories beside it: the old one and the new one are both there; then remove the journal',
      cause: error,
    });
  }
}

function occupied(target: string, incoming: string, outgoing: string): MaintError {
  return new MaintError('TARGET_EXISTS', {
    message: `something appeared while a directory was being put in place: ${target}`,
    details: [`the directory that was there before is now ${outgoing}`, `the restored one is ${incoming}`],
    state: 'both are whole, and neither is in place',
    hint: `stop Chroma, move away what is at ${target}, then run this again`,
  });
}

function incomingOf(target: string): string {
  return besidePath(target, 'restore');
}

function journalOf(target: string): string {
  return besidePath(target, 'swap.json');
}

function inodeOf(path: string): string | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : String(stat.ino);
}
