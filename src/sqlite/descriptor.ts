/**
 * SQLite's own descriptor of a database file. Opening the file a second time in this process and closing it again would
 * drop SQLite's locks (POSIX: all locks of a process on a file go with any of its descriptors), so whoever needs one
 * while a lock is held borrows this.
 */
import { fdatasyncSync, fstatSync, readdirSync, readSync, statSync, writeSync } from 'node:fs';

const HEADER_BYTES = 100;

/** The descriptor under which this process has the file at `path` open, or null where the system does not show it. */
export function borrowedDescriptor(path: string): number | null {
  const { dev, ino } = statSync(path, { bigint: true });
  const found = openDescriptors().find((descriptor) => {
    try {
      const stat = fstatSync(descriptor, { bigint: true });
      return stat.dev === dev && stat.ino === ino;
    } catch {
      return false;
    }
  });
  return found ?? null;
}

/** SQLite's file change counter: another one means other content. Bytes 24 to 27 of the file (sqlite.org/fileformat2). */
export function readChangeCounter(descriptor: number): number {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(descriptor, header, 0, HEADER_BYTES, 0);
  return header.readUInt32BE(24);
}

/**
 * Zeroes the header of a database that another file has replaced, so that a connection which still has it open fails
 * (SQLITE_NOTADB) instead of reading old rows. Never truncates: that would fail such a connection in worse ways.
 */
export function spoilHeader(descriptor: number): void {
  writeSync(descriptor, Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
}

/** Bytes that are written at once: few enough that progress can be told, enough that the disk is never waited for. */
const CHUNK = 4 * 1024 * 1024;

/**
 * Writes zeros over every byte of a database that another file has replaced, and has them on the disk when it returns.
 * `onBytes` is told how many are done. Returns how many there are. The blocks themselves are overwritten only where the
 * file system and the disk write in place.
 */
export function overwrite(descriptor: number, onBytes: (done: number, all: number) => void): number {
  const { size } = fstatSync(descriptor);
  const zeros = Buffer.alloc(Math.min(CHUNK, size));
  for (let done = 0; done < size;) {
    done += writeSync(descriptor, zeros, 0, Math.min(zeros.length, size - done), done);
    onBytes(done, size);
  }
  fdatasyncSync(descriptor);
  return size;
}

/** Where Linux and macOS list the descriptors of a process to itself. */
const DESCRIPTOR_LISTS: readonly string[] = ['/proc/self/fd', '/dev/fd'];

function openDescriptors(): readonly number[] {
  for (const list of DESCRIPTOR_LISTS) {
    try {
      return readdirSync(list).map(Number);
    } catch {
      // The other system's.
    }
  }
  return [];
}
