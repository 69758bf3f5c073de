/**
 * What is left of a directory in which half of the collections were deleted, beside one in which they never were:
 * node bench/clean.js [--runs 2]
 *
 * Prints a table as Markdown and keeps it as bench/results/clean.json, for bench/results.js.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CONTENDERS } from './contenders.js';
import { measure } from './measure.js';
import { cleanTable } from './report.js';
import { built, freshCopy } from './sets.js';

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'chroma-maint.js');
const RESULTS = join(import.meta.dirname, 'results');
const PEERS = ['chops wal clean', 'chroma utils vacuum', 'chroma vacuum'];

const CLEANING = ['--clean', '--delete', '--min-age', '0s', '--min-reclaim', '0', '--yes', '--quiet'];
const contenders = [
  {
    name: 'chroma-maint vacuum --clean --delete',
    command: (directory) => ({ argv: [process.execPath, PROGRAM, 'vacuum', directory, ...CLEANING] }),
  },
  ...CONTENDERS.filter(({ name }) => PEERS.some((peer) => name.startsWith(peer))),
];

const { values } = parseArgs({ options: { runs: { type: 'string', default: '2' } } });
const [source, scratch] = [built('DELETED'), built('LIVE')];
const live = sizesOf(vacuumed(scratch));
const runs = [];
for (let round = 0; round < Number(values.runs); round += 1) {
  for (const { name, command } of contenders) {
    const { directory, remove } = freshCopy(source);
    const { argv, input } = command(directory, []);
    const { output, ...figures } = await measure(argv, directory, input);
    process.stderr.write(`${name}: ${figures.seconds.toFixed(2)} s, exit ${figures.exitCode}\n`);
    if (figures.exitCode !== 0) process.stderr.write(`${output.trim().split('\n').slice(-3).join('\n')}\n`);
    runs.push({ round, name, ...figures, ...sizesOf(directory) });
    remove();
  }
}
const result = { before: sizesOf(source), live, runs };
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, 'clean.json'), `${JSON.stringify(result, null, 1)}\n`);
process.stdout.write(`${cleanTable(result).join('\n')}\n`);

/** The directory that never had the others, vacuumed as well: its own log rows and free pages are not what is asked. */
function vacuumed(directory) {
  const copy = freshCopy(directory);
  process.on('exit', copy.remove);
  execFileSync(process.execPath, [PROGRAM, 'vacuum', copy.directory, '--min-reclaim', '0', '--yes', '--quiet']);
  return copy.directory;
}

/** Bytes on disk of the whole directory, and of the database. */
function sizesOf(directory) {
  return { bytes: bytesOf(directory), databaseBytes: bytesOf(join(directory, 'chroma.sqlite3')) };
}

function bytesOf(path) {
  return Number(execFileSync('du', ['-s', '--block-size=1', path], { encoding: 'utf8' }).split('\t')[0]);
}
