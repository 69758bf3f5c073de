/**
 * `npm run test:chroma`: does real Chroma see the same data after the program has been at work?
 * `npm run test:chroma -- --all`: the same for every fixture, with every version of Chroma that wrote one.
 * `npm run test:online`: prunes beside running servers, two minutes for each version.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const SMALL_VERSIONS = ['0.4.24', '0.5.5', '0.6.3', '1.0.12', '1.5.9'];
const SMALL_FIXTURES = [
  '0.5.5',
  '0.6.3-purge-off',
  '1.5.9-purge-off',
  'chain-0.5.5-0.6.3',
  'chain-0.5.5-1.5.9',
  '0.5.0-readd',
  'deletions-0.4.24',
  'deletions-0.5.5',
  'deletions-0.6.3',
  'deletions-1.5.9',
];

function catalogue(name) {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));
}

const ONLINE_SECONDS = '120';

function choice(argumentsGiven) {
  if (argumentsGiven.length === 1 && argumentsGiven[0] === '--online') {
    return { fixtures: [], versions: SMALL_VERSIONS, only: 'online.test.ts' };
  }
  if (argumentsGiven.length === 0) return { fixtures: SMALL_FIXTURES, versions: SMALL_VERSIONS };
  if (argumentsGiven.length > 1 || argumentsGiven[0] !== '--all') return undefined;
  const all = [...catalogue('manifest.json').fixtures, ...catalogue('deletions.json').deletions];
  return {
    fixtures: all.map((each) => each.name),
    versions: [...new Set([...SMALL_VERSIONS, ...all.flatMap((each) => each.judges)])],
  };
}

/** The interpreter of each version. Environments that do not exist yet are built, which takes minutes. */
function interpreters(versions) {
  const made = spawnSync('python3', ['fixtures/chroma_env.py', ...versions], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (made.error !== undefined) process.stderr.write(`python3 could not be started: ${made.error.message}\n`);
  if (made.status !== 0) return undefined;
  const paths = made.stdout.trim().split('\n');
  return Object.fromEntries(versions.map((version, index) => [version, paths[index]]));
}

function passedThrough(command, argumentsGiven, environment) {
  const done = spawnSync(command, argumentsGiven, { cwd: ROOT, env: environment, stdio: 'inherit' });
  if (done.error !== undefined) process.stderr.write(`${command} could not be started: ${done.error.message}\n`);
  return done.status ?? 1;
}

function run(argumentsGiven) {
  const chosen = choice(argumentsGiven);
  if (chosen === undefined) {
    process.stderr.write(
      `Unknown arguments: ${argumentsGiven.join(' ')}\nUsage: npm run test:chroma [-- --all | --online]\n`,
    );
    return 2;
  }
  const pythons = interpreters(chosen.versions);
  if (pythons === undefined) return 1;
  const built = passedThrough('npm', ['run', '--silent', 'build'], process.env);
  if (built !== 0) return built;
  const only = chosen.only === undefined ? [] : [chosen.only];
  return passedThrough('npx', ['--no-install', 'vitest', 'run', '--config', 'test/chroma/vitest.config.ts', ...only], {
    ...process.env,
    ...(chosen.only === undefined ? {} : { CHROMA_TEST_ONLINE_SECONDS: ONLINE_SECONDS }),
    CHROMA_TEST_FIXTURES: JSON.stringify(chosen.fixtures),
    CHROMA_TEST_PYTHONS: JSON.stringify(pythons),
  });
}

process.exitCode = run(process.argv.slice(2));
