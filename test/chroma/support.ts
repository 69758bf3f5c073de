/**
 * Real Chroma as the judge: the program may have done its work on a directory only if Chroma returns the same from
 * it as from an untouched copy, and keeps what is written to it afterwards.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import {
  type Deletions,
  DELETIONS,
  FIXTURES,
  type Fixture,
  temporaryDirectory,
  unpacked,
} from '../support/fixtures.ts';
import { differences, type Dump, nameOf } from './differences.ts';
import { finished, lastLines, printed, program } from './processes.ts';

export type JudgedFixture = Fixture & { readonly judges: readonly string[] };

/** A directory that Chroma can be asked about. */
interface Asked {
  readonly name: string;
  readonly chain: readonly string[];
  readonly databases: readonly string[];
  readonly expected: {
    readonly collections: readonly { readonly name: string; readonly tenant: string; readonly database: string }[];
  };
  /** Words to look for in documents. */
  readonly words?: readonly string[];
}

/** `restore`: backed up, verified, vacuumed, and put back from the backup. */
export type Treatment = 'vacuum' | 'prune' | 'restore' | 'scrub';

interface Writes {
  readonly collections: readonly {
    readonly name: string;
    readonly tenant: string;
    readonly database: string;
    readonly error: string | null;
    readonly lost?: readonly {
      readonly id: string;
      readonly present: boolean;
      readonly embedding: boolean;
      readonly query: boolean;
    }[];
  }[];
}

export const NEWEST = '1.5.9';

const DUMP = fileURLToPath(new URL('../../fixtures/dump.py', import.meta.url));
const ADDED = '5';
/** In every document that `dump.py --add` writes. */
const WORD_OF_ADDED = 'maintenance';

function fromRunner(variable: string): unknown {
  const text = process.env[variable];
  if (text === undefined) throw new Error(`${variable} is not set: start these tests with "npm run test:chroma"`);
  return JSON.parse(text);
}

const PYTHONS = new Map(Object.entries(fromRunner('CHROMA_TEST_PYTHONS') as Record<string, string>));
/** The versions of this run. */
export const VERSIONS: readonly string[] = [...PYTHONS.keys()];

const CHOSEN = new Set(fromRunner('CHROMA_TEST_FIXTURES') as readonly string[]);

const ALL = FIXTURES as readonly JudgedFixture[];

/** The fixtures of this run. */
export const SELECTED = ALL.filter(({ name }) => CHOSEN.has(name));

/** The directories with deletions of this run. */
export const SELECTED_DELETIONS: readonly Deletions[] = DELETIONS.filter(({ name }) => CHOSEN.has(name));

export function judged(name: string): JudgedFixture {
  const found = ALL.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${name}`);
  return found;
}

export function pythonOf(version: string): string {
  const python = PYTHONS.get(version);
  if (python === undefined) throw new Error(`this run has no environment of Chroma ${version}`);
  return python;
}

/** The version that wrote the directory last. */
export function ownVersion({ name, chain }: Asked): string {
  const last = chain.at(-1);
  if (last === undefined) throw new Error(`fixture ${name} was written by nobody`);
  return last;
}

/** Which Chroma may judge a fixture, as far as this run has an environment of it. */
export function judgesOf({ judges }: Pick<JudgedFixture, 'judges'>): readonly string[] {
  return judges.filter((version) => PYTHONS.has(version));
}

/** In a directory that 0.4.3 has begun the newest version refuses every write with documents, pruned or not. */
export function takesDocuments({ chain }: Asked, judge: string): boolean {
  return !(judge === NEWEST && chain.includes('0.4.3'));
}

function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

async function judging(directory: string, judge: string, fixture: Asked, options: readonly string[]): Promise<unknown> {
  const databases = fixture.databases.flatMap((name) => ['--database', name]);
  const { exitCode, stdout, stderr } = await finished(pythonOf(judge), [DUMP, ...databases, ...options, directory]);
  if (exitCode !== 0) throw new Error(`Chroma ${judge} failed on ${fixture.name}:\n${lastLines(stderr)}`);
  return JSON.parse(stdout);
}

/** Everything Chroma returns. Opening changes the directory, so it has to be a copy. */
export async function dump(directory: string, judge: string, fixture: Asked): Promise<Dump> {
  const words = (fixture.words ?? []).map((word) => `--contains=${word}`);
  const seen = (await judging(directory, judge, fixture, words)) as Dump;
  // Two dumps of nothing would be equal too.
  const expected = fixture.expected.collections.map(nameOf).toSorted();
  expect(seen.collections.map(nameOf).toSorted(), `collections that Chroma ${judge} lists`).toEqual(expected);
  return seen;
}

/** What Chroma says when it cannot read a directory: the last line, because the others are its own source code. */
export async function refusal(directory: string, judge: string, fixture: Asked): Promise<string> {
  return dump(directory, judge, fixture).then(
    () => `Chroma ${judge} reads it`,
    (failure: unknown) => String(failure).split('\n').at(-1) ?? '',
  );
}

/** Adds records to every collection; the answer names the collections that took none, and why. */
export async function add(
  directory: string,
  judge: string,
  fixture: Asked,
  withDocuments: boolean = takesDocuments(fixture, judge),
): Promise<string[]> {
  // Adding is never tried twice, and the first Rust open of so old a directory may panic after migrating it.
  if (isOlder(ownVersion(fixture), '0.5.1') && !isOlder(judge, '1.0.0')) await dump(directory, judge, fixture);
  const options = withDocuments ? [] : ['--no-documents'];
  const written = (await judging(directory, judge, fixture, ['--add', ADDED, ...options])) as Writes;
  return written.collections.flatMap((each) => (each.error === null ? [] : [`${nameOf(each)}: ${each.error}`]));
}

/** Looks in a new process for the records that `add` wrote; the answer names the ones Chroma has lost. */
export async function lostWrites(directory: string, judge: string, fixture: Asked): Promise<string[]> {
  const seen = (await judging(directory, judge, fixture, ['--verify-added', ADDED])) as Writes;
  return seen.collections.flatMap((each) => {
    if (each.error !== null) return [`${nameOf(each)}: ${each.error}`];
    return (each.lost ?? []).map(({ id, present, embedding, query }) => {
      const missing = [present ? [] : 'record', embedding ? [] : 'embedding', query ? [] : 'found by query'].flat();
      return `${nameOf(each)}: LOST ${id} (no longer: ${missing.join(', ')})`;
    });
  });
}

/** The whole way there and back: what Chroma then sees has been in the repository only. */
async function backAndForth(directory: string, fixture: Fixture): Promise<void> {
  const repository = join(temporaryDirectory(), 'repository');
  await printed(['backup', 'create', directory, '--to', repository]);
  await printed(['backup', 'verify', repository, '--full']);
  await treat(directory, 'vacuum', fixture);
  await printed(['backup', 'restore', 'latest', '--from', repository, '--to', directory, '--swap', '--yes']);
}

/** Runs the real program on the directory. It has to delete what the fixture has to lose, not just to survive. */
async function treat(directory: string, treatment: Treatment, fixture: Fixture): Promise<void> {
  if (treatment === 'restore') return backAndForth(directory, fixture);
  const options = treatment === 'vacuum' ? ['--min-reclaim', '0'] : [];
  const command = [treatment, directory, '--yes', ...options, '--json'];
  const { exitCode, stdout, stderr } = await program(command);
  // Scrubbing says of nearly every directory that vectors of deleted records are left.
  const expected = treatment === 'scrub' ? [0, 3] : [fixture.expected.exitCode];
  expect(expected, `${treatment} of ${fixture.name}: ${lastLines(stderr)}`).toContain(exitCode);
  const report = JSON.parse(stdout) as { prune?: { totals: { deleted: number } }; totals?: { deleted: number } };
  const { deleted } = { ...report.totals, ...report.prune?.totals };
  expect(deleted, `rows that ${treatment} deleted from ${fixture.name}`).toBe(fixture.expected.totalPrunable);
}

export interface Copies {
  readonly untouched: string;
  readonly treated: string;
}

/** Two copies of one directory, one of them treated by the program. */
export async function copies(fixture: Fixture, treatment: Treatment): Promise<Copies> {
  const [untouched, treated] = [await unpacked(fixture.name), await unpacked(fixture.name)];
  await treat(treated, treatment, fixture);
  return { untouched, treated };
}

/** What Chroma returns differently from a treated copy and an untouched one. */
export async function differencesAfter(treatment: Treatment, fixture: Fixture, judge: string): Promise<string[]> {
  const { untouched, treated } = await copies(fixture, treatment);
  return differences(await dump(untouched, judge, fixture), await dump(treated, judge, fixture));
}

/** What goes wrong when Chroma writes to a treated directory: refused, lost, or at the cost of older records. */
export async function lossesAfter(treatment: Treatment, fixture: Fixture, judge: string): Promise<string[]> {
  return lossesIn(await copies(fixture, treatment), fixture, judge);
}

/** The same of copies that are there; new records are looked for by their documents too, where words are given. */
export async function lossesIn({ untouched, treated }: Copies, given: Asked, judge: string): Promise<string[]> {
  const { words = [] } = given;
  const fixture = { ...given, words: words.length === 0 ? [] : [...words, WORD_OF_ADDED] };
  const refused = await add(treated, judge, fixture);
  const lost = await lostWrites(treated, judge, fixture);
  await add(untouched, judge, fixture);
  const changed = differences(await dump(untouched, judge, fixture), await dump(treated, judge, fixture));
  return [...refused, ...lost, ...changed];
}
