/**
 * Backups side by side with cp and sha256sum: node bench/backup.js <set> [--runs 3]
 *
 * Prints a table as Markdown and keeps it as bench/results/backup-<set>.json, for bench/results.js.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure } from './measure.js';
import { backupTable } from './report.js';
import { namedSet } from './sets.js';

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

const { set, source, bytes, rounds } = namedSet();
const runs = [];
for (let round = 0; round < rounds; round += 1) {
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
