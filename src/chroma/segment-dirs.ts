/**
 * The directories of vector segments below the persist directory. Named by **segment** id: a tool that compared them
 * with collection ids deleted every live index.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SegmentId } from './model.ts';
import { directoryBytes } from './hnsw-files.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface SegmentDir {
  readonly id: SegmentId;
  /** Bytes allocated on disk. */
  readonly bytes: number;
}

/** Lists the real directories that carry a UUID as name, with their size. Links are not followed. */
export function listSegmentDirs(persistDir: string): readonly SegmentDir[] {
  return readdirSync(persistDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && UUID.test(entry.name))
    .map(({ name }) => ({ id: name, bytes: directoryBytes(join(persistDir, name)) }));
}
