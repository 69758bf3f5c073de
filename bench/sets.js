/** The sets that are measured: written once by real Chroma, kept in the user's cache, copied afresh for every run. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Where sets and the environments of contenders are kept. */
export const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'chroma-maint');

/** The interpreter of a Chroma version, in an environment that is built where it is missing. */
export function interpreter(version) {
  const script = join(ROOT, 'fixtures', 'chroma_env.py');
  return execFileSync('python3', [script, version], { encoding: 'utf8' }).trim();
}

/** Sets that another version writes than 0.5.5: what a delete leaves behind differs. */
const WRITTEN_BY = { DELETED: '0.6.3', LIVE: '0.6.3' };

/** The directory of a set, built by real Chroma where it is missing. */
export function built(name) {
  const directory = join(CACHE, 'bench', name);
  if (existsSync(directory)) return directory;
  mkdirSync(join(CACHE, 'bench'), { recursive: true });
  const part = `${directory}.part`;
  rmSync(part, { recursive: true, force: true });
  const stdio = ['ignore', 'inherit', 'inherit'];
  execFileSync(interpreter(WRITTEN_BY[name] ?? '0.5.5'), [join(ROOT, 'bench', 'build.py'), name, part], { stdio });
  renameSync(part, directory);
  return directory;
}

/** What the command line names: a set, built where it is missing, its bytes, and how often it is measured. */
export function namedSet() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string', default: '3' } },
  });
  const [set] = positionals;
  if (set === undefined) throw new Error('name a set: see SETS in bench/build.py');
  const source = built(set);
  const bytes = Number(execFileSync('du', ['-sb', source], { encoding: 'utf8' }).split('\t')[0]);
  return { set, source, bytes, rounds: Number(values.runs) };
}

/** A copy of `source` that may be changed, on the disk already. BENCH_DIR says where. */
export function freshCopy(source) {
  const folder = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'chroma-maint-bench-'));
  const directory = join(folder, 'persist');
  cpSync(source, directory, { recursive: true, preserveTimestamps: true });
  execFileSync('sync');
  return { directory, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
