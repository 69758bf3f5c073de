/**
 * Side by side on one set: node bench/run.js <set> [--runs 3] [--only <part of a name>]
 *
 * Builds the set with real Chroma where it is not there yet, then runs every contender as a whole process on a fresh
 * copy, one after the other and that several times, so that the machine's moods meet all of them. Prints Markdown, and
 * writes bench/results/<set>.json.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { CONTENDERS } from './contenders.js';
import { measure } from './measure.js';
import { markdown } from './report.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'chroma-maint', 'bench');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' }, only: { type: 'string', default: '' } },
});
const [set] = positionals;
if (set === undefined) throw new Error('name a set: S, M, MANY, ORPHAN');

const source = built(set);
const plan = JSON.parse(
  execFileSync(process.execPath, [join(ROOT, 'bin', 'chroma-maint.js'), 'prune', source, '--dry-run', '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  }),
);
const cutoffs = cutoffsOf(source, plan);
const before = stateOf(source);
const expectedRows = plan.totals.rows - plan.totals.prunable;
process.env['LIVE_BYTES'] = String(await liveBytes());

const chosen = CONTENDERS.filter(({ name }) => name.includes(values.only));
const runs = [];
for (let round = 0; round < Number(values.runs); round += 1) {
  for (const contender of chosen) {
    const { directory, remove } = freshCopy();
    const { argv, input } = contender.command(directory, cutoffs);
    const { output, ...figures } = await measure(argv, directory, input);
    // The raw copy is bytes, not a database.
    const after = contender.isDatabase === false ? {} : stateOf(directory);
    runs.push({ name: contender.name, round, ...figures, ...after });
    process.stderr.write(`${contender.name}: ${figures.seconds.toFixed(2)} s, exit ${figures.exitCode}\n`);
    if (figures.exitCode !== 0) process.stderr.write(`${output.trim().split('\n').slice(-3).join('\n')}\n`);
    remove();
  }
}
const result = { set, before, expectedRows, liveBytes: Number(process.env['LIVE_BYTES']), runs };
mkdirSync(join(ROOT, 'bench', 'results'), { recursive: true });
writeFileSync(join(ROOT, 'bench', 'results', `${set}.json`), `${JSON.stringify(result, null, 1)}\n`);
process.stdout.write(markdown(result));

/** The set, built once and kept. */
function built(name) {
  const directory = join(CACHE, name);
  if (existsSync(directory)) return directory;
  mkdirSync(CACHE, { recursive: true });
  const python = execFileSync('python3', [join(ROOT, 'fixtures', 'chroma_env.py'), '0.5.5'], {
    encoding: 'utf8',
  }).trim();
  const part = `${directory}.part`;
  rmSync(part, { recursive: true, force: true });
  execFileSync(python, [join(ROOT, 'bench', 'build.py'), name, part], { stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(part, directory);
  return directory;
}

function freshCopy() {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'chroma-maint-bench-'));
  const directory = join(folder, 'persist');
  cpSync(source, directory, { recursive: true, preserveTimestamps: true });
  execFileSync('sync');
  return { directory, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function liveBytes() {
  const { directory, remove } = freshCopy();
  const [first] = CONTENDERS;
  const { argv } = first.command(directory, cutoffs);
  await measure(argv, directory);
  const { size } = statSync(join(directory, 'chroma.sqlite3'));
  remove();
  return size;
}

/** The watermark of every topic that a prune would delete from. */
function cutoffsOf(directory, { collections }) {
  const db = new Database(join(directory, 'chroma.sqlite3'), { readonly: true });
  const topics = db.prepare('SELECT DISTINCT topic FROM embeddings_queue').pluck().all();
  db.close();
  const topicOf = new Map(topics.map((topic) => [topic.slice(topic.lastIndexOf('/') + 1), topic]));
  return collections
    .filter(({ prunable }) => prunable > 0)
    .map(({ id, watermark }) => ({ topic: topicOf.get(id), below: watermark }));
}

function stateOf(directory) {
  const path = join(directory, 'chroma.sqlite3');
  const db = new Database(path, { readonly: true });
  const state = {
    bytes: statSync(path).size,
    walRows: db.prepare('SELECT COUNT(*) FROM embeddings_queue').pluck().get(),
    integrity: db.pragma('integrity_check(1)', { simple: true }),
  };
  db.close();
  return state;
}
