/**
 * Directories whose file gives pages back when it is told to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { enlarge } from './enlarge.ts';
import { unpacked } from './fixtures.ts';
import { withDatabase } from './state.ts';

/** How SQLite numbers the settings. */
export const AUTO_VACUUM = { none: 0n, full: 1n, incremental: 2n } as const;

/** Rewrites a database as one with another auto-vacuum, by SQLite alone. */
export function setTo(dir: string, setting: keyof typeof AUTO_VACUUM): void {
  withDatabase(dir, (db) => {
    db.pragma(`auto_vacuum = ${AUTO_VACUUM[setting]}`);
    db.exec('VACUUM');
  });
}

/** A fixture that is made for it, whose index files have not been written to for a while. */
export async function incremental(name: string): Promise<string> {
  const dir = await unpacked(name);
  setTo(dir, 'incremental');
  await delay(150);
  return dir;
}

/** The same with about `rows` times 4 KiB free, most of it before the pages that are in use. */
export async function incrementalWithHoles(name: string, rows: number): Promise<string> {
  const dir = await unpacked(name);
  enlarge(dir, 'drafts', rows, 900);
  setTo(dir, 'incremental');
  withDatabase(dir, (db) => db.exec("DELETE FROM embeddings_queue WHERE id LIKE 'appended-%'"));
  await delay(150);
  return dir;
}

/** What is free in a file, and what SQLite says of the whole of it. */
export function pagesOf(dir: string): {
  readonly setting: unknown;
  readonly free: number;
  readonly pages: number;
  readonly integrity: unknown;
} {
  return withDatabase(dir, (db) => ({
    setting: db.pragma('auto_vacuum', { simple: true }),
    free: Number(db.pragma('freelist_count', { simple: true })),
    pages: Number(db.pragma('page_count', { simple: true })),
    integrity: db.pragma('integrity_check', { simple: true }),
  }));
}
