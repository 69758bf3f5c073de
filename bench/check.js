/**
 * A deep check side by side with what it cannot do without: node bench/check.js <set> [--runs 3]
 *
 * Prints a table as Markdown and keeps it as bench/results/check-<set>.json, for bench/results.js.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { measure } from './measure.js';
import { checkTable } from './report.js';
import { namedSet } from './sets.js';

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'chroma-maint.js');
const INTEGRITY = join(import.meta.dirname, 'integrity-check.js');
const RESULTS = join(import.meta.dirname, 'results');

const TASKS = [
  { name: "SQLite's integrity_check", argv: (source) => [process.execPath, INTEGRITY, join(source, 'chroma.sqlite3')] },
  {
    name: 'cat of all files',
    argv: (source) => ['sh', '-c', 'find "$1" -type f -print0 | xargs -0 cat >/dev/null', 'sh', source],
  },
  { name: 'check', argv: (source) => [process.execPath, PROGRAM, 'check', source, '--quiet', '--fail-on', 'never'] },
  {
    name: 'check --deep',
    argv: (source) => [process.execPath, PROGRAM, 'check', source, '--deep', '--quiet', '--fail-on', 'never'],
  },
];

const { set, source, bytes, rounds } = namedSet();
const runs = [];
// Once beforehand, so that everything is in the page cache for all of them.
execFileSync('sh', ['-c', 'find "$1" -type f -print0 | xargs -0 cat >/dev/null', 'sh', source]);
for (let round = 0; round < rounds; round += 1) {
  for (const { name, argv } of TASKS) {
    const { output, ...figures } = await measure(argv(source), source);
    process.stderr.write(`${name}: ${figures.seconds.toFixed(2)} s, exit ${figures.exitCode}\n`);
    if (figures.exitCode !== 0) process.stderr.write(output);
    runs.push({ round, name, ...figures });
  }
}
const result = { set, bytes, runs };
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, `check-${set}.json`), `${JSON.stringify(result, null, 1)}\n`);
process.stdout.write(`${checkTable(result).join('\n')}\n`);
