/**
 * Random lives of a directory that real Chroma made: collections and databases come, are written to and go as each
 * version leaves them, programs die in between, people put things into it. Then it is cleaned up, and plain sets say
 * what had to go. What is alive keeps every row and every byte.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanUnderLock } from '../../src/operations/clean/execute.ts';
import { planClean, type CleanRequest, type CleanSteps } from '../../src/operations/clean/plan.ts';
import { tendQuarantine } from '../../src/operations/clean/quarantine.ts';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { checkFullText } from '../../src/sqlite/full-text-check.ts';
import { withWritable } from '../../src/sqlite/open.ts';
import { on, SILENT, target } from '../support/agreed.ts';
import { databaseOf } from '../support/damage.ts';
import { fastTemporaryDirectory, unpacked } from '../support/fixtures.ts';
import { NOBODY } from '../support/holders.ts';
import { lives, liveOut, NOW_MS, type Life } from '../support/lives.ts';
import { differences, judged, otherPaths, remaining, stateOf, type Verdict } from '../support/reachable.ts';
import { bytesOf, withDatabase } from '../support/state.ts';

const HOST: Host = { ...realHost, now: () => new Date(NOW_MS), holdersOf: () => NOBODY, sync: () => undefined };
const MACHINE = on(HOST);

/** Names of what goes, as a plan says it. */
function namesIn({ directories, tables, topics }: CleanSteps): readonly string[] {
  const rows = topics.reduce((sum, each) => sum + each.rows, 0);
  return [
    ...directories.filter(({ action }) => action !== 'keep').map(({ id }) => id),
    ...tables.map(({ table, rows: gone }) => `${table} ${gone}`),
    ...(rows === 0 ? [] : [`embeddings_queue ${rows}`]),
  ].toSorted();
}

function namesOf({ directories, rows }: Verdict): readonly string[] {
  return [...directories, ...[...rows].map(([table, gone]) => `${table} ${gone.size}`)].toSorted();
}

/** What was put aside, under the names that it had. */
function putAside(files: ReadonlyMap<string, string>, id: string): ReadonlyMap<string, string> {
  const place = `.chroma-maint/quarantine/${id}/`;
  const found = [...files].filter(([path]) => path.startsWith(place) && !path.endsWith('/manifest.json'));
  return new Map(found.map(([path, state]) => [path.slice(place.length), state]));
}

function below(files: ReadonlyMap<string, string>, directories: ReadonlySet<string>): ReadonlyMap<string, string> {
  return new Map([...files].filter(([path]) => directories.has(path.split('/')[0] ?? '')));
}

function lastOf(dir: string): unknown {
  return withDatabase(dir, (db) => db.prepare('SELECT MAX(seq_id) FROM embeddings_queue').pluck().get());
}

interface Comparison {
  readonly found: unknown;
  readonly expected: unknown;
}

/** Cleans up, and says what became of everything and what had to. */
async function cleaned(dir: string, { request: asked }: Life): Promise<Comparison> {
  const request: CleanRequest = { ...asked, target: target(dir) };
  const [before, last] = [stateOf(dir), lastOf(dir)];
  const verdict = judged(dir, before, { ...asked, nowMs: NOW_MS });
  const names = namesOf(verdict);

  const { steps } = await planClean(request, HOST, true);
  const untouched = bytesOf(dir);
  const { isDone, quarantine } = await cleanUnderLock({ kind: 'clean', request, agreed: null }, MACHINE, SILENT);
  const after = stateOf(dir);
  const again = await cleanUnderLock({ kind: 'clean', request, agreed: null }, MACHINE, SILENT);
  const twice = bytesOf(dir);
  const own = quarantine === null ? [] : ['.chroma-maint'];
  return {
    found: {
      planned: { names: namesIn(steps), doubt: steps.doubt?.kind ?? null },
      untouched,
      isDone,
      rows: differences(after.rows, remaining(before.rows, verdict)),
      last: lastOf(dir),
      files: otherPaths(after.files, new Set(own)),
      aside: quarantine === null ? null : putAside(after.files, quarantine),
      damage: [
        withDatabase(dir, (db) => db.pragma('integrity_check')),
        withWritable(databaseOf(dir), 0, checkFullText),
      ],
      isDoneAgain: again.isDone,
      twice,
      restored: quarantine === null ? null : await restored(dir, quarantine),
    },
    expected: {
      planned: { names, doubt: verdict.doubt },
      untouched: before.files,
      isDone: names.length > 0,
      rows: [],
      last,
      files: otherPaths(before.files, verdict.directories),
      aside: asked.isDeleting || verdict.directories.size === 0 ? null : below(before.files, verdict.directories),
      damage: [[{ integrity_check: 'ok' }], []],
      isDoneAgain: false,
      twice: after.files,
      restored: quarantine === null ? null : otherPaths(before.files, new Set()),
    },
  };
}

async function restored(dir: string, id: string): Promise<ReadonlyMap<string, string>> {
  const request = { target: target(dir), wish: { kind: 'restore', id } } as const;
  await tendQuarantine({ kind: 'clean quarantine', request, agreed: null }, MACHINE, SILENT);
  return otherPaths(bytesOf(dir), new Set());
}

/** How many lives of each generation; LIVES=500 takes some minutes. */
const LIVES = Number(process.env['LIVES'] ?? 60);

describe.each([
  ['with the full text of 0.4.0 to 0.4.5', '0.4.3'],
  ['with topics in columns and databases', '0.4.24'],
  ['with positions as BLOB', '0.6.3-purge-off'],
  ['with arrays', '1.5.9-purge-off'],
  ['written by 0.5.5 and 1.5.9', 'chain-0.5.5-1.5.9'],
])('a random life of a directory %s', (_, name) => {
  it('ends with everything that lives, and nothing else', async () => {
    const origin = await unpacked(name);
    const place = fastTemporaryDirectory();
    await fc.assert(
      fc.asyncProperty(lives, async (life) => {
        const dir = join(place, 'persist');
        rmSync(place, { recursive: true, force: true });
        mkdirSync(place);
        cpSync(origin, dir, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
        liveOut(dir, life);
        const { found, expected } = await cleaned(dir, life);
        expect(found).toEqual(expected);
      }),
      { numRuns: LIVES },
    );
  }, 600_000);
});
