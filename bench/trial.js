/** All chosen contenders on one set, in turns. */
import { execFileSync } from 'node:child_process';
import { statSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { CONTENDERS } from './contenders.js';
import { measure } from './measure.js';
import { built, freshCopy } from './sets.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const EXT4 = 0xef53;

/**
 * Runs every contender that `isChosen` as a whole process on a fresh copy, one after the other and that `rounds` times,
 * so that the machine's moods meet all of them.
 */
export async function trial(set, { rounds, isChosen, isCold }) {
  const source = built(set);
  const dryRun = [join(ROOT, 'bin', 'chroma-maint.js'), 'prune', source, '--dry-run', '--json'];
  const plan = JSON.parse(execFileSync(process.execPath, dryRun, { encoding: 'utf8', maxBuffer: 2 ** 28 }));
  const cutoffs = cutoffsOf(source, plan);
  const before = stateOf(source);
  const liveBytes = await bytesThatStay(source, cutoffs);
  process.env['LIVE_BYTES'] = String(liveBytes);
  const runs = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const contender of CONTENDERS.filter(({ name }) => isChosen(name))) {
      runs.push({ round, ...(await once(contender, { source, cutoffs, isCold })) });
    }
  }
  const expectedRows = before.walRows - plan.totals.prunable;
  return { set, isCold, machine: machine(), before, expectedRows, liveBytes, runs };
}

async function once(contender, { source, cutoffs, isCold }) {
  const { directory, remove } = freshCopy(source);
  if (isCold) writeFileSync('/proc/sys/vm/drop_caches', '3');
  const { argv, input } = contender.command(directory, cutoffs);
  const { output, ...figures } = await measure(argv, directory, input);
  // The raw copy is bytes, not a database.
  const after = contender.isDatabase === false ? {} : stateOf(directory);
  process.stderr.write(`${contender.name}: ${figures.seconds.toFixed(2)} s, exit ${figures.exitCode}\n`);
  if (figures.exitCode !== 0) process.stderr.write(`${output.trim().split('\n').slice(-3).join('\n')}\n`);
  remove();
  return { name: contender.name, task: contender.task, ...figures, ...after };
}

async function bytesThatStay(source, cutoffs) {
  const { directory, remove } = freshCopy(source);
  const [first] = CONTENDERS;
  await measure(first.command(directory, cutoffs).argv, directory);
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

function machine() {
  const db = new Database(':memory:');
  const sqlite = db.prepare('SELECT sqlite_version()').pluck().get();
  db.close();
  const fileSystem = statfsSync(process.env['BENCH_DIR'] ?? tmpdir()).type;
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    sqlite,
    sqlite3: execFileSync('sqlite3', ['--version'], { encoding: 'utf8' }).split(' ')[0],
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    fileSystem: fileSystem === EXT4 ? 'ext4' : `type 0x${fileSystem.toString(16)}`,
  };
}
