/**
 * The bytes of files: copied, hashed and compared in one pass, with what is read next under way meanwhile.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, read, readSync, write, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';

const CHUNK = 1024 * 1024;
/** What is left as a hole where all of it is zero: the blocks of usual file systems, and the pages of a disk cache. */
const HOLE = 4096;
const ZEROS = Buffer.alloc(HOLE);

/** Up to so many bytes a file is read and written at once: the way to another thread and back takes longer. */
const SMALL = 256 * 1024;

const readAside = promisify(read);
const writeAside = promisify(write);

async function readAt(descriptor: number, buffer: Buffer, offset: number, position: number): Promise<number> {
  const length = buffer.length - offset;
  if (buffer.length <= SMALL) return readSync(descriptor, buffer, offset, length, position);
  const { bytesRead } = await readAside(descriptor, buffer, offset, length, position);
  return bytesRead;
}

async function writeAt(descriptor: number, buffer: Buffer, offset: number, position: number): Promise<number> {
  const length = buffer.length - offset;
  if (buffer.length <= SMALL) return writeSync(descriptor, buffer, offset, length, position);
  const { bytesWritten } = await writeAside(descriptor, buffer, offset, length, position);
  return bytesWritten;
}

/** What was read of a file. */
export interface Digest {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** Told of bytes as they are read. */
export type OnBytes = (bytes: number) => void;

/** Runs `work` on a descriptor of the file at `path`, which must not be a symbolic link. */
export async function withFile<T>(path: string, work: (descriptor: number) => Promise<T>): Promise<T> {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await work(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Hashes what `descriptor` reads, from its beginning. */
export async function digestOf(descriptor: number, onBytes: OnBytes): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of eachChunk(descriptor)) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * Copies what `descriptor` reads to a new file at `to`, readable by this user alone. Blocks of zeros become holes where
 * `isSparse`. Not synced.
 */
export async function copyTo(descriptor: number, to: string, isSparse: boolean, onBytes: OnBytes): Promise<Digest> {
  const hash = createHash('sha256');
  const target = openSync(to, 'wx', 0o600);
  let bytes = 0;
  try {
    for await (const chunk of eachChunk(descriptor)) {
      const writing = isSparse ? writeSparsely(target, chunk, bytes) : writeAll(target, chunk, bytes);
      hash.update(chunk);
      await writing;
      bytes += chunk.length;
      onBytes(chunk.length);
    }
    if (isSparse) ftruncateSync(target, bytes);
  } finally {
    closeSync(target);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The digest of what `descriptor` reads if `other` reads the same bytes, else null. */
export async function digestOfSame(descriptor: number, other: number, onBytes: OnBytes): Promise<Digest | null> {
  const hash = createHash('sha256');
  const theirs = eachChunk(other);
  let bytes = 0;
  try {
    for await (const chunk of eachChunk(descriptor)) {
      const next = await theirs.next();
      if (next.done === true || !chunk.equals(next.value)) return null;
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(chunk.length);
    }
    return (await theirs.next()).done === true ? { bytes, sha256: hash.digest('hex') } : null;
  } finally {
    await theirs.return(undefined);
  }
}

/** Yields full chunks up to the last one; each is overwritten when the next but one is asked for. */
export async function* eachChunk(descriptor: number): AsyncGenerator<Buffer, void, undefined> {
  // No more than the file needs: a directory may have thousands of small ones.
  const size = Math.min(CHUNK, Math.max(fstatSync(descriptor).size, 1));
  const buffers = [Buffer.allocUnsafe(size), Buffer.allocUnsafe(size)] as const;
  let position = 0;
  let reading = filled(descriptor, buffers[0], position);
  try {
    for (let turn = 0; ; turn += 1) {
      const length = await reading;
      if (length === 0) return;
      position += length;
      const isLast = length < size;
      reading = isLast ? Promise.resolve(0) : filled(descriptor, turn % 2 === 0 ? buffers[1] : buffers[0], position);
      yield (turn % 2 === 0 ? buffers[0] : buffers[1]).subarray(0, length);
    }
  } finally {
    // The descriptor may be closed next.
    await reading.catch(() => undefined);
  }
}

async function filled(descriptor: number, buffer: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const bytesRead = await readAt(descriptor, buffer, length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

async function writeAll(descriptor: number, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length;) {
    done += await writeAt(descriptor, chunk, done, position + done);
  }
}

async function writeSparsely(descriptor: number, chunk: Buffer, position: number): Promise<void> {
  let start = 0;
  while (start < chunk.length) {
    const isHole = isZero(chunk, start);
    let end = start + HOLE;
    while (end < chunk.length && isZero(chunk, end) === isHole) end += HOLE;
    end = Math.min(end, chunk.length);
    if (!isHole) await writeAll(descriptor, chunk.subarray(start, end), position + start);
    start = end;
  }
}

/** True where every byte of `chunk` is zero. */
export function isAllZero(chunk: Buffer): boolean {
  for (let at = 0; at < chunk.length; at += HOLE) if (!isZero(chunk, at)) return false;
  return true;
}

function isZero(chunk: Buffer, at: number): boolean {
  const block = chunk.subarray(at, at + HOLE);
  return block.equals(ZEROS.subarray(0, block.length));
}
