/**
 * SQLite's own descriptor of a database file. Opening the file a second time in this process and closing it again would
 * drop SQLite's locks (POSIX: all locks of a process on a file go with any of its descriptors), so whoever needs one
 * while a lock is held borrows this.
 */
import { fstatSync, readdirSync, statSync, writeSync } from 'node:fs';

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

/**
 * Zeroes the header of a database that another file has replaced, so that a connection which still has it open fails
 * (SQLITE_NOTADB) instead of reading old rows. Never truncates: that would fail such a connection in worse ways.
 */
export function spoilHeader(descriptor: number): void {
  writeSync(descriptor, Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
}

function openDescriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number);
  } catch {
    return [];
  }
}
