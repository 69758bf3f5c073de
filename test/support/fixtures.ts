/**
 * Persist directories that real Chroma wrote (fixtures/README.md), each test on a copy of its own.
 */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { onTestFinished } from 'vitest';

export interface ExpectedCollection {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly database: string;
  readonly topic: string | null;
  readonly walRows: number;
  readonly prunable: number;
  readonly below: string | null;
  readonly watermark: string | null;
  readonly heldBackBy: string | null;
  readonly skip: string | null;
}

export interface Fixture {
  readonly name: string;
  readonly chain: readonly string[];
  readonly purge: 'on' | 'off' | null;
  readonly recipe: string;
  readonly archive: string;
  readonly sha256: string;
  readonly databases: readonly string[];
  readonly expected: {
    readonly collections: readonly ExpectedCollection[];
    readonly lastSeqId: string;
    readonly totalRows: number;
    readonly totalPrunable: number;
    readonly deletedSeqIds: string;
    readonly exitCode: number;
  };
}

const FOLDER = fileURLToPath(new URL('../../fixtures/', import.meta.url));

export const FIXTURES: readonly Fixture[] = (
  JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')) as { fixtures: readonly Fixture[] }
).fixtures;

export function fixture(name: string): Fixture {
  const found = FIXTURES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${name}`);
  return found;
}

/** An empty directory that is removed when the test has finished. */
export function temporaryDirectory(parent = tmpdir()): string {
  const directory = realpathSync(mkdtempSync(join(parent, 'chroma-maint-test-')));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** For tests that make hundreds of directories: where a sync costs nothing, if there is such a place. */
export function fastTemporaryDirectory(): string {
  return temporaryDirectory(existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
}

/** Unpacks a copy of the fixture and returns its persist directory. */
export function unpacked(name: string): Promise<string> {
  return unpackedArchive(join(FOLDER, fixture(name).archive));
}

/** Unpacks a copy of the sample that comes with the package. */
export function unpackedDemo(): Promise<string> {
  return unpackedArchive(join(FOLDER, '../demo/sample.tar.gz'));
}

/** The directories in which real Chroma has deleted collections, and what that left (fixtures/leftovers.py). */
export interface Deletions {
  readonly name: string;
  /** The version that deleted, and was the last to write. */
  readonly chroma: string;
  readonly chain: readonly string[];
  readonly archive: string;
  readonly databases: readonly string[];
  readonly judges: readonly string[];
  /** Words in documents of the collections that stay. */
  readonly words: readonly string[];
  readonly expected: {
    readonly collections: readonly { readonly name: string; readonly tenant: string; readonly database: string }[];
    /** Subjects by the id of the finding. */
    readonly findings: Readonly<Record<string, readonly string[]>>;
    readonly directories: readonly string[];
    readonly topics: readonly { readonly topic: string; readonly rows: number }[];
    /** The topic of the log's newest row where that is left over: it may not go. */
    readonly staying: readonly string[];
    readonly removableRows: Readonly<Record<string, number>>;
    readonly removableRowids: Readonly<Record<string, string>>;
    readonly totalRows: Readonly<Record<string, number>>;
    readonly living: { readonly directories: readonly string[] };
  };
}

export const DELETIONS: readonly Deletions[] = (
  JSON.parse(readFileSync(join(FOLDER, 'deletions.json'), 'utf8')) as { deletions: readonly Deletions[] }
).deletions;

/** Unpacks a copy of a directory with deletions and returns its persist directory. */
export function unpackedDeletions({ archive }: Deletions): Promise<string> {
  return unpackedArchive(join(FOLDER, archive));
}

async function unpackedArchive(file: string): Promise<string> {
  const cwd = temporaryDirectory();
  await extract({ file, cwd });
  return join(cwd, 'persist');
}

/** The numbers of a range list like `1-150,160-170`: seq_ids, or rowids. */
export function seqIdsIn(ranges: string): readonly bigint[] {
  return ranges.split(',').flatMap((range) => {
    if (range === '') return [];
    const [first, last = first] = range.split('-').map(BigInt);
    const ids: bigint[] = [];
    for (let id = first ?? 0n; id <= (last ?? -1n); id += 1n) ids.push(id);
    return ids;
  });
}

/** Those of `all` that a prune of the fixture leaves. */
export function rowsKept(name: string, all: readonly bigint[]): readonly bigint[] {
  const { expected } = fixture(name);
  const gone = new Set(expected.exitCode === 14 ? [] : seqIdsIn(expected.deletedSeqIds));
  return all.filter((id) => !gone.has(id));
}
