/**
 * Who is measured, and the command of each for one directory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, interpreter } from './sets.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = join(ROOT, 'bin', 'chroma-maint.js');

/**
 * @typedef {object} Cutoff
 * @property {string} topic
 * @property {string} below
 */

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {'prune and vacuum' | 'prune alone'} task the first of each task is what the others are compared with
 * @property {boolean} [isDatabase] false where what it leaves is not one
 * @property {(directory: string, cutoffs: readonly Cutoff[]) => { argv: readonly string[], input?: string }} command
 */

function program(...words) {
  return (directory) => ({ argv: [process.execPath, PROGRAM, ...words, directory, '--yes', '--quiet'] });
}

/** chops as it can be made to run: its own dependencies leave it with a click that it crashes with. */
function chops() {
  const environment = join(CACHE, 'venvs', 'chops-0.1.5');
  const command = join(environment, 'bin', 'chops');
  if (!existsSync(command)) {
    execFileSync('python3', ['-m', 'venv', environment]);
    const packages = ['chromadb-ops==0.1.5', 'chromadb==0.5.5', 'click<8.2', 'numpy<2'];
    execFileSync(join(environment, 'bin', 'pip'), ['install', '--quiet', ...packages], { stdio: 'inherit' });
  }
  return command;
}

function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

/** One DELETE for each topic, as who knows the cut-offs would write it by hand. */
function sqlite(...last) {
  return (directory, cutoffs) => {
    const deletes = cutoffs.map(
      ({ topic, below }) => `DELETE FROM embeddings_queue WHERE topic = ${literal(topic)} AND seq_id < ${below};`,
    );
    return {
      argv: ['sqlite3', '-bail', join(directory, 'chroma.sqlite3')],
      input: ['BEGIN;', ...deletes, 'COMMIT;', ...last].join('\n'),
    };
  };
}

/** @type {readonly Contender[]} */
export const CONTENDERS = [
  { name: 'chroma-maint vacuum', task: 'prune and vacuum', command: program('vacuum', '--min-reclaim', '0') },
  {
    name: 'chroma-maint vacuum --mode in-place',
    task: 'prune and vacuum',
    command: program('vacuum', '--min-reclaim', '0', '--mode', 'in-place'),
  },
  {
    name: 'chops wal clean 0.1.5 (chromadb 0.5.5)',
    task: 'prune and vacuum',
    command: (directory) => ({ argv: [chops(), 'wal', 'clean', directory, '--yes'], input: 'y\n' }),
  },
  { name: 'sqlite3, cut-offs given: DELETE per topic, VACUUM', task: 'prune and vacuum', command: sqlite('VACUUM;') },
  {
    name: 'chroma utils vacuum 0.6.3',
    task: 'prune and vacuum',
    command: (directory) => ({
      argv: [join(interpreter('0.6.3'), '..', 'chroma'), 'utils', 'vacuum', '--path', directory, '--force'],
    }),
  },
  {
    name: 'chroma vacuum 1.5.9',
    task: 'prune and vacuum',
    command: (directory) => ({
      argv: [join(interpreter('1.5.9'), '..', 'chroma'), 'vacuum', '--path', directory, '--force'],
    }),
  },
  {
    name: 'reference rebuild: no checks, no guards',
    task: 'prune and vacuum',
    command: (directory, cutoffs) => ({
      argv: [process.execPath, join(ROOT, 'bench', 'reference-rebuild.js'), directory],
      input: JSON.stringify(cutoffs),
    }),
  },
  {
    name: 'raw limit: read the live bytes, write them, fsync',
    task: 'prune and vacuum',
    isDatabase: false,
    command: (directory) => ({ argv: [process.execPath, join(ROOT, 'bench', 'raw-copy.js'), directory] }),
  },
  { name: 'chroma-maint prune', task: 'prune alone', command: program('prune') },
  {
    name: 'published wal_clean.py, topic mended',
    task: 'prune alone',
    command: (directory) => ({ argv: [interpreter('0.5.5'), join(ROOT, 'bench', 'wal-clean.py'), directory] }),
  },
  { name: 'sqlite3, cut-offs given: DELETE per topic', task: 'prune alone', command: sqlite() },
];
