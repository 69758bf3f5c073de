/**
 * Backups side by side with cp and sha256sum: node bench/backup.js <set> [--runs 3]
 *
 * Prints a table as Markdown and keeps it as bench/results/backup-<set>.json, for bench/results.js.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './measure.js';
import { backupTable } from './report.js';
import { built } from './sets.js';

const PROGRAM = join(import.meta.dirname, '..', 'bin', 'chroma-maint.js');
const RESULTS = join(import.meta.dirname, 'results');

/** $1 the directory, $2 where the copy goes. */
const BY_HAND =
  'cp -a --reflink=never "$1" "$2/copy" && cd "$2/copy" && find . -type f -print0 | xargs -0 sha256sum >"$2/sums" && sync';

/** In this order, in one folder: the second snapshot has the first one before it. */
const TASKS = [
  {
    name: 'cp -a, sha256sum, sync',
    argv: (source, folder) => ['sh', '-c', BY_HAND, 'sh', source, folder],
  },
  { name: 'backup create, first', argv: create },
  { name: 'backup create, unchanged', argv: create },
  { name: 'backup verify', argv: (_, folder) => backup('verify', join(folder, 'repository')) },
  {
    name: 'backup restore',
    argv: (_, folder) => backup('restore', 'latest', '--from', join(folder, 'repository'), '--to', join(folder, 'to')),
  },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' } },
});
const [set] = positionals;
if (set === undefined) throw new Error('name a set: see SETS in bench/build.py');

const source = built(set);
const bytes = Number(execFileSync('du', ['-sb', source], { encoding: 'utf8' }).split('\t')[0]);
const runs = [];
for (let round = 0; round < Number(values.runs); round += 1) {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'chroma-maint-bench-'));
  for (const { name, argv } of TASKS) {
    execFileSync('sync');
    const { output, ...figures } = await measure(argv(source, folder), folder);
    process.stderr.write(`${name}: ${figures.seconds.toFixed(2)} s, exit ${figures.exitCode}\n`);
    if (figures.exitCode !== 0) process.stderr.write(output);
    runs.push({ round, name, ...figures });
  }
  rmSync(folder, { recursive: true });
}
const result = { set, bytes, runs };
mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, `backup-${set}.json`), `${JSON.stringify(result, null, 1)}\n`);
process.stdout.write(`${backupTable(result).join('\n')}\n`);

function create(directory, folder) {
  return backup('create', directory, '--to', join(folder, 'repository'));
}

function backup(...words) {
  return [process.execPath, PROGRAM, 'backup', ...words, '--quiet'];
}
