/**
 * Real Chroma as the judge: the program may have done its work on a directory only if Chroma returns the same from
 * it as from an untouched copy, and keeps what is written to it afterwards.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { FIXTURES, type Fixture, temporaryDirectory, unpacked } from '../support/fixtures.ts';

export type JudgedFixture = Fixture & { readonly judges: readonly string[] };
/** `restore`: backed up, verified, vacuumed, and put back from the backup. */
export type Treatment = 'vacuum' | 'prune' | 'restore';

export interface Dump {
  readonly chroma: string;
  readonly collections: readonly DumpedCollection[];
}

interface DumpedCollection {
  readonly name: string;
  readonly tenant: string;
  readonly database: string;
  readonly count: number;
  readonly records: readonly { readonly id: string; readonly content: string; readonly embedding: string | null }[];
  readonly neighbours: readonly { readonly id: string; readonly found: boolean }[];
  readonly withoutEmbedding: readonly string[];
}

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

interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const NEWEST = '1.5.9';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DUMP = fileURLToPath(new URL('../../fixtures/dump.py', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../bin/chroma-maint.js', import.meta.url));
const PROCESS_TIMEOUT_MS = 120_000;
const ADDED = '5';
const SHOWN = 5;

function fromRunner(variable: string): unknown {
  const text = process.env[variable];
  if (text === undefined) throw new Error(`${variable} is not set: start these tests with "npm run test:chroma"`);
  return JSON.parse(text);
}

const PYTHONS = new Map(Object.entries(fromRunner('CHROMA_TEST_PYTHONS') as Record<string, string>));
const CHOSEN = new Set(fromRunner('CHROMA_TEST_FIXTURES') as readonly string[]);

const ALL = FIXTURES as readonly JudgedFixture[];

/** The fixtures of this run. */
export const SELECTED = ALL.filter(({ name }) => CHOSEN.has(name));

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
export function ownVersion({ name, chain }: Fixture): string {
  const last = chain.at(-1);
  if (last === undefined) throw new Error(`fixture ${name} was written by nobody`);
  return last;
}

/** Which Chroma may judge a fixture, as far as this run has an environment of it. */
export function judgesOf({ judges }: JudgedFixture): readonly string[] {
  return judges.filter((version) => PYTHONS.has(version));
}

/** In a directory of 0.4.3 the newest version refuses every write with documents, pruned or not. */
export function takesDocuments(fixture: Fixture, judge: string): boolean {
  return !(judge === NEWEST && ownVersion(fixture) === '0.4.3');
}

function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

function finished(command: string, argumentsGiven: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...argumentsGiven],
      { cwd: ROOT, timeout: PROCESS_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 },
      (failure, stdout, stderr) => {
        if (failure === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof failure.code === 'number') resolve({ exitCode: failure.code, stdout, stderr });
        else reject(new Error(`${command} was ended (${failure.signal ?? failure.message}):\n${lastLines(stderr)}`));
      },
    );
  });
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}

async function judging(
  directory: string,
  judge: string,
  fixture: Fixture,
  options: readonly string[],
): Promise<unknown> {
  const databases = fixture.databases.flatMap((name) => ['--database', name]);
  const { exitCode, stdout, stderr } = await finished(pythonOf(judge), [DUMP, ...databases, ...options, directory]);
  if (exitCode !== 0) throw new Error(`Chroma ${judge} failed on ${fixture.name}:\n${lastLines(stderr)}`);
  return JSON.parse(stdout);
}

/** Everything Chroma returns. Opening changes the directory, so it has to be a copy. */
export async function dump(directory: string, judge: string, fixture: Fixture): Promise<Dump> {
  const seen = (await judging(directory, judge, fixture, [])) as Dump;
  // Two dumps of nothing would be equal too.
  const expected = fixture.expected.collections.map(nameOf).toSorted();
  expect(seen.collections.map(nameOf).toSorted(), `collections that Chroma ${judge} lists`).toEqual(expected);
  return seen;
}

/** What Chroma says when it cannot read a directory: the last line, because the others are its own source code. */
export async function refusal(directory: string, judge: string, fixture: Fixture): Promise<string> {
  return dump(directory, judge, fixture).then(
    () => `Chroma ${judge} reads it`,
    (failure: unknown) => String(failure).split('\n').at(-1) ?? '',
  );
}

/** Adds records to every collection; the answer names the collections that took none, and why. */
export async function add(directory: string, judge: string, fixture: Fixture): Promise<string[]> {
  // Adding is never tried twice, and the first Rust open of so old a directory may panic after migrating it.
  if (isOlder(ownVersion(fixture), '0.5.1') && !isOlder(judge, '1.0.0')) await dump(directory, judge, fixture);
  const options = takesDocuments(fixture, judge) ? [] : ['--no-documents'];
  const written = (await judging(directory, judge, fixture, ['--add', ADDED, ...options])) as Writes;
  return written.collections.flatMap((each) => (each.error === null ? [] : [`${nameOf(each)}: ${each.error}`]));
}

/** Looks in a new process for the records that `add` wrote; the answer names the ones Chroma has lost. */
export async function lostWrites(directory: string, judge: string, fixture: Fixture): Promise<string[]> {
  const seen = (await judging(directory, judge, fixture, ['--verify-added', ADDED])) as Writes;
  return seen.collections.flatMap((each) => {
    if (each.error !== null) return [`${nameOf(each)}: ${each.error}`];
    return (each.lost ?? []).map(({ id, present, embedding, query }) => {
      const missing = [present ? [] : 'record', embedding ? [] : 'embedding', query ? [] : 'found by query'].flat();
      return `${nameOf(each)}: LOST ${id} (no longer: ${missing.join(', ')})`;
    });
  });
}

async function program(argv: readonly string[]): Promise<Finished> {
  return finished(process.execPath, [PROGRAM, ...argv]);
}

/** Runs the program on the directory, which must end well, and returns what it printed on stdout. */
export async function printed(argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await program(argv);
  expect(exitCode, `chroma-maint ${argv.join(' ')}: ${lastLines(stderr)}`).toBe(0);
  return stdout;
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
  expect(exitCode, `${treatment} of ${fixture.name}: ${lastLines(stderr)}`).toBe(fixture.expected.exitCode);
  const report = JSON.parse(stdout) as { prune?: { totals: { deleted: number } }; totals?: { deleted: number } };
  const { deleted } = { ...report.totals, ...report.prune?.totals };
  expect(deleted, `rows that ${treatment} deleted from ${fixture.name}`).toBe(fixture.expected.totalPrunable);
}

/** Two copies of one directory, one of them treated by the program. */
export async function copies(
  fixture: Fixture,
  treatment: Treatment,
): Promise<{ readonly untouched: string; readonly treated: string }> {
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
  const { untouched, treated } = await copies(fixture, treatment);
  const refused = await add(treated, judge, fixture);
  const lost = await lostWrites(treated, judge, fixture);
  await add(untouched, judge, fixture);
  const changed = differences(await dump(untouched, judge, fixture), await dump(treated, judge, fixture));
  return [...refused, ...lost, ...changed];
}

/** One line per collection and field in which the second dump differs from the first. */
export function differences(before: Dump, after: Dump): string[] {
  const collections = new Map(after.collections.map((each) => [nameOf(each), each]));
  const known = new Set(before.collections.map(nameOf));
  return [
    ...before.collections.flatMap((each) => {
      const other = collections.get(nameOf(each));
      return other === undefined ? [`${nameOf(each)}: the collection is gone`] : differencesOf(each, other);
    }),
    ...[...collections.keys()].filter((name) => !known.has(name)).map((name) => `${name}: a collection too many`),
  ];
}

function differencesOf(before: DumpedCollection, after: DumpedCollection): string[] {
  // Maps, not objects: one of the ids is "__proto__".
  const records = new Map(after.records.map((each) => [each.id, each]));
  const known = new Set(before.records.map(({ id }) => id));
  const found = new Map(after.neighbours.map((each) => [each.id, each.found]));
  const kept = before.records.flatMap((each) => {
    const other = records.get(each.id);
    return other === undefined ? [] : [{ each, other }];
  });
  const fields = [
    { field: 'ids missing', ids: before.records.filter(({ id }) => !records.has(id)) },
    { field: 'ids too many', ids: after.records.filter(({ id }) => !known.has(id)) },
    {
      field: 'documents or metadata differ',
      ids: kept.filter(({ each, other }) => each.content !== other.content).map(({ each }) => each),
    },
    {
      field: 'embeddings missing',
      ids: kept
        .filter(({ each, other }) => each.embedding !== null && other.embedding === null)
        .map(({ each }) => each),
    },
    {
      field: 'embeddings differ',
      ids: kept
        .filter(({ each, other }) => each.embedding !== other.embedding && other.embedding !== null)
        .map(({ each }) => each),
    },
    {
      field: 'found by their own vector in one copy only',
      ids: before.neighbours.filter((each) => found.has(each.id) && found.get(each.id) !== each.found),
    },
  ];
  return [
    ...(before.count === after.count ? [] : [`${nameOf(before)}: count ${before.count} became ${after.count}`]),
    ...fields.flatMap(({ field, ids }) => (ids.length === 0 ? [] : [`${nameOf(before)}: ${field}: ${listed(ids)}`])),
  ];
}

function listed(records: readonly { readonly id: string }[]): string {
  const shown = records.slice(0, SHOWN).map(({ id }) => id);
  return records.length > SHOWN ? `${shown.join(', ')} and ${records.length - SHOWN} more` : shown.join(', ');
}

export function nameOf(collection: {
  readonly tenant: string;
  readonly database: string;
  readonly name: string;
}): string {
  return `${collection.tenant}/${collection.database}/${collection.name}`;
}
