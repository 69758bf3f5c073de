/**
 * A new file that is there whole or not at all.
 */
import { createHash } from 'node:crypto';
import { lstatSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { namedPlace } from './beside.ts';
import { inWords } from './failures.ts';

export interface NewFile {
  /** With every symbolic link resolved. */
  readonly path: string;
  readonly bytes: number;
}

interface Making {
  readonly host: Host;
  readonly signal: AbortSignal;
  readonly isCompressed: boolean;
}

/** What is written may be read by its owner alone. */
const MODE = 0o600;

/**
 * Writes `chunks` into a new file at `given`, under another name beside it until all of it is on the disk. Throws
 * TARGET_EXISTS where there is something at its place, USAGE where there is no directory for it, and INTERRUPTED where
 * `signal` is aborted. Whatever it throws, nothing of it is left.
 */
export async function writeNewFile(given: string, making: Making, chunks: AsyncIterable<string>): Promise<NewFile> {
  return inWords(given, async () => {
    const path = namedPlace(given);
    verifyFree(path, given);
    const unfinished = join(dirname(path), `.${shortName(basename(path))}.chroma-maint-unfinished`);
    removeLeft(unfinished, making.host);
    const file = await open(unfinished, 'wx', MODE);
    try {
      await written(file, making, chunks);
      await file.close();
      making.host.sync(unfinished);
      const bytes = statSync(unfinished).size;
      verifyFree(path, given);
      renameSync(unfinished, path);
      making.host.sync(dirname(path));
      return { path, bytes };
    } catch (error) {
      await file.close().catch(() => undefined);
      rmSync(unfinished, { force: true });
      throw making.signal.aborted ? interrupted(given) : error;
    }
  });
}

/** File systems take 255 bytes; a longer name would leave no room for what is put around it. */
const MOST_NAME_BYTES = 200;

function shortName(name: string): string {
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return name;
  return createHash('sha256').update(name).digest('hex');
}

/** One chunk at a time is on its way: they are large. */
async function written(
  file: FileHandle,
  { signal, isCompressed }: Making,
  chunks: AsyncIterable<string>,
): Promise<void> {
  const source = Readable.from(chunks, { objectMode: true, highWaterMark: 1 });
  // Not a stream of the file: as long as there is one the file cannot be closed.
  const append = async (ready: AsyncIterable<string | Buffer>): Promise<void> => {
    for await (const chunk of ready) await file.appendFile(chunk);
  };
  if (isCompressed) await pipeline(source, createGzip(), append, { signal });
  else await pipeline(source, append, { signal });
}

function verifyFree(path: string, given: string): void {
  // Not `existsSync`: a link that leads nowhere is something as well.
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw new MaintError('TARGET_EXISTS', {
    message: `there is something at this place already: ${given}`,
    hint: 'name a file that does not exist yet',
  });
}

/** Removes what a run left that was killed, if it is certain that nobody is writing it. */
function removeLeft(unfinished: string, host: Host): void {
  const stat = lstatSync(unfinished, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isFile()) {
    throw new MaintError('TARGET_EXISTS', {
      message: `something that is no file stands where the file is written first: ${unfinished}`,
      hint: 'look at it, and move it away',
    });
  }
  const { holders, unreadable, isSupported } = host.holdersOfFile({ device: stat.dev, inode: stat.ino }, []);
  // Processes that cannot be looked into are another user's, and write no file of this one's.
  const isForeign = stat.uid !== BigInt(host.userId());
  if (holders.length > 0 || !isSupported || (isForeign && unreadable > 0)) {
    throw new MaintError('TARGET_EXISTS', {
      message: `somebody else may be writing this file, or has left it half-written: ${unfinished}`,
      details: holders.map(({ pid, command }) => `pid ${pid}  ${command} has it open`),
      hint: 'wait for it; or where nobody is at work there, remove it',
    });
  }
  rmSync(unfinished);
}

function interrupted(given: string): MaintError {
  return new MaintError('INTERRUPTED', {
    message: `interrupted before all of it was written: ${given}`,
    hint: 'run the same command again when it suits',
  });
}
