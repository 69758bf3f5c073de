/**
 * Who is measured, and the command of each for one directory.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
 * @property {boolean} [isDatabase] false where what it leaves is not one
 * @property {(directory: string, cutoffs: readonly Cutoff[]) => { argv: readonly string[], input?: string }} command
 */

function interpreter(version) {
  return execFileSync('python3', [join(ROOT, 'fixtures', 'chroma_env.py'), version], { encoding: 'utf8' }).trim();
}

function program(...options) {
  return (directory) => ({
    argv: [process.execPath, PROGRAM, 'vacuum', directory, '--yes', '--min-reclaim', '0', ...options],
  });
}

function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

/** One DELETE for each topic, as who knows the cut-offs would write it by hand, then VACUUM. */
function sqlite(directory, cutoffs) {
  const deletes = cutoffs.map(
    ({ topic, below }) => `DELETE FROM embeddings_queue WHERE topic = ${literal(topic)} AND seq_id < ${below};`,
  );
  return {
    argv: ['sqlite3', join(directory, 'chroma.sqlite3')],
    input: ['BEGIN;', ...deletes, 'COMMIT;', 'VACUUM;'].join('\n'),
  };
}

/** @type {readonly Contender[]} */
export const CONTENDERS = [
  { name: 'chroma-maint vacuum', command: program() },
  { name: 'chroma-maint vacuum --mode in-place', command: program('--mode', 'in-place') },
  {
    name: 'chops wal clean 0.1.5 (chromadb 0.5.5)',
    command: (directory) => ({
      argv: [join(process.env['CHOPS_VENV'] ?? '', 'bin', 'chops'), 'wal', 'clean', directory, '--yes'],
      input: 'y\n',
    }),
  },
  { name: 'sqlite3, cut-offs given: DELETE per topic, VACUUM', command: sqlite },
  {
    name: 'chroma utils vacuum 0.6.3',
    command: (directory) => ({
      argv: [join(interpreter('0.6.3'), '..', 'chroma'), 'utils', 'vacuum', '--path', directory, '--force'],
    }),
  },
  {
    name: 'chroma vacuum 1.5.9',
    command: (directory) => ({
      argv: [join(interpreter('1.5.9'), '..', 'chroma'), 'vacuum', '--path', directory, '--force'],
    }),
  },
  {
    name: 'reference rebuild: no checks, no guards',
    command: (directory, cutoffs) => ({
      argv: [process.execPath, join(ROOT, 'bench', 'reference-rebuild.js'), directory],
      input: JSON.stringify(cutoffs),
    }),
  },
  {
    name: 'raw limit: read the live bytes, write them, fsync',
    isDatabase: false,
    command: (directory) => ({ argv: [process.execPath, join(ROOT, 'bench', 'raw-copy.js'), directory] }),
  },
];
