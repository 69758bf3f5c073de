/**
 * Makes bench/RESULTS.md and bench/growth.svg from what `npm run bench` has kept in bench/results: node bench/results.js
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart, GROWTH } from './growth.js';
import { backupTable, checkTable, cleanTable, markdown, median } from './report.js';

const SETS = ['S', 'M', 'M-cold', 'MANY', 'ORPHAN', 'PICKLE', 'L'];

const BACKUP_SETS = ['S', 'M', 'MANY'];

const CHECK_SETS = ['S', 'M', 'MANY'];

const FOLDER = import.meta.dirname;

const results = SETS.map(kept).filter((result) => result !== null);
const growth = kept('growth');
const backups = BACKUP_SETS.map((set) => kept(`backup-${set}`)).filter((result) => result !== null);
const checks = CHECK_SETS.map((set) => kept(`check-${set}`)).filter((result) => result !== null);
const clean = kept('clean');
const introduction = readFileSync(join(FOLDER, 'introduction.md'), 'utf8');
const sections = [introduction, machineOf(results[0].machine), ...results.map(markdown)];
if (growth !== null) {
  writeFileSync(join(FOLDER, 'growth.svg'), `${chart(growth)}\n`);
  sections.push(growthSection(growth));
}
if (backups.length > 0) sections.push(backupSection(backups));
if (clean !== null) sections.push(cleanSection(clean));
if (checks.length > 0) sections.push(checkSection(checks));
writeFileSync(join(FOLDER, 'RESULTS.md'), `${sections.join('\n').trimEnd()}\n`);

function kept(name) {
  const path = join(FOLDER, 'results', `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}

function machineOf({ date, node, sqlite, sqlite3, processors, memoryGiB, fileSystem }) {
  return [
    `Measured ${date}: ${processors} processors, ${memoryGiB} GiB of memory, ${fileSystem}, Node.js ${node}, SQLite ${sqlite} in better-sqlite3, sqlite3 ${sqlite3}.`,
    '',
    '## Sets',
    '',
  ].join('\n');
}

function backupSection(all) {
  return [
    '## Backups',
    '',
    '`npm run bench:backup -- M`. The first line is the copy that an operator makes by hand, every byte hashed and synced; it is not of one moment. `backup create` hashes every byte too, has SQLite check the copy, reads it and hashes its rows. Page cache warm.',
    '',
    ...all.flatMap(backupTable),
  ].join('\n');
}

function cleanSection(result) {
  return [
    '## Deleted collections',
    '',
    '`npm run bench:clean`. 20 collections of 2,000 records with 128 dimensions, written by Chroma 0.6.3 without its own purge, ten of them then deleted by it. The last line is the same ten others written into a new directory by the same Chroma, and vacuumed.',
    '',
    ...cleanTable(result),
  ].join('\n');
}

function checkSection(all) {
  return [
    '## Check',
    '',
    '`npm run bench:check -- M`. The first two are what a deep check cannot do without. Page cache warm.',
    '',
    ...all.flatMap(checkTable),
  ].join('\n');
}

function growthSection(all) {
  return [
    '## Growth',
    '',
    'Medians; the chart has the bytes written as well. Cost grows with rows, not with rows times collections.',
    '',
    '![Seconds and MiB written against rows, collections and share pruned](growth.svg)',
    '',
    ...GROWTH.flatMap(({ quantity, title }) =>
      growthTable(
        title,
        all.filter((each) => each.quantity === quantity),
      ),
    ),
  ].join('\n');
}

function growthTable(title, steps) {
  const names = [...new Set(steps.flatMap(({ runs }) => runs.map(({ name }) => name)))];
  return [
    `| wall s by ${title} | ${steps.map(({ step }) => step).join(' | ')} |`,
    `|---|${steps.map(() => '---|').join('')}`,
    ...names.map((name) => `| ${name} | ${steps.map(({ runs }) => secondsOf(name, runs).toFixed(2)).join(' | ')} |`),
    '',
  ];
}

function secondsOf(name, runs) {
  return median(runs.filter((run) => run.name === name).map(({ seconds }) => seconds));
}
