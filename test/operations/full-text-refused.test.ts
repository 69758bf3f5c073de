/**
 * When fts rebuild and fts optimize change nothing, and what they say then.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../src/chroma/persist-dir.ts';
import { readSchema } from '../../src/chroma/schema.ts';
import { realHost } from '../../src/host/real-host.ts';
import { planFullText, type IndexWork } from '../../src/operations/full-text/plan.ts';
import { rebuildIndex } from '../../src/operations/full-text/rebuild.ts';
import { inExclusiveTransaction, withWritable } from '../../src/sqlite/open.ts';
import { agreed, SILENT } from '../support/agreed.ts';
import { damagedFullText, damagedPage, databaseOf, orphanTopic } from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { faultsOf, fts, HERE } from '../support/full-text.ts';
import { damagedFullTextPage, droppedFullText, missingFullTextRows } from '../support/full-text-damage.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { run } from '../support/run.ts';
import { bytesOf, rowsOf, withDatabase } from '../support/state.ts';

const FIXTURE = '0.6.3-purge-off';

/** As the working process does it, but for what `change` makes of the work. */
async function rebuilt(dir: string, change: (work: IndexWork) => IndexWork): Promise<void> {
  const { target } = (await agreed(dir)).request;
  const { index } = await planFullText('fts rebuild', target, realHost, false);
  withWritable(databaseOf(dir), 0, (db) =>
    inExclusiveTransaction(db, () => {
      const work = { index, schema: readSchema(db, databaseOf(dir)), dir: locatePersistDir(dir) };
      return rebuildIndex(db, change(work), SILENT);
    }),
  );
}

describe('an index that can only be made anew', () => {
  it.each([
    ['was dropped', droppedFullText],
    ['has a damaged page', (dir: string) => damagedFullTextPage(dir, 'idx')],
    ['has damaged cells', (dir: string) => damagedFullTextPage(dir, 'data', 'cells')],
    ['has lost content behind its back', damagedFullText],
  ])('is not merged where it %s', async (_, damage) => {
    const dir = await unpacked(FIXTURE);
    damage(dir);
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['fts', 'optimize', dir, '--yes', '--json'], {}, HERE);
    expect(exitCode).toBe(14);
    expect(JSON.parse(stderr)).toMatchObject({
      message: expect.stringContaining('full-text index is damaged'),
      state: 'nothing was changed',
      hint: expect.stringContaining(`chroma-maint fts rebuild ${dir}`),
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is merged where it differs from the documents, and the report says so', async () => {
    const dir = await unpacked(FIXTURE);
    missingFullTextRows(dir, 3);
    const { stdout } = await run(['fts', 'optimize', dir, '--yes'], {}, HERE);
    expect(stdout).toContain('3 missing');
    expect(stdout).toContain(`chroma-maint fts rebuild ${dir}`);
  });
});

describe('an index whose documents cannot be read', () => {
  it.each([
    ['embedding_metadata', 'page'],
    ['embedding_metadata', 'cells'],
    ['embeddings', 'page'],
  ] as const)('is left alone (%s, a damaged %s)', async (table, what) => {
    const dir = await unpacked(FIXTURE);
    droppedFullText(dir);
    damagedPage(dir, table, what);
    const before = bytesOf(dir);
    const { exitCode, stderr } = await run(['fts', 'rebuild', dir, '--yes', '--json'], {}, HERE);
    expect(exitCode).toBe(14);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'CORRUPT', state: 'nothing was changed' });
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('an index made anew', () => {
  it('is rolled back where it does not find what it should', async () => {
    const dir = await unpacked(FIXTURE);
    const before = rowsOf(dir);
    // Without trigrams it has every document, passes FTS5's check, and answers for whole words only.
    const failing = rebuilt(dir, (work) => {
      const { declaration } = work.index;
      const sql = declaration.sql.replace(", tokenize='trigram'", '');
      return { ...work, index: { ...work.index, declaration: { ...declaration, sql } } };
    });
    await expect(failing).rejects.toMatchObject({
      code: 'FAILED',
      details: [
        expect.stringMatching(/^query \d+ of 50 finds \d+ documents, .* by its trigrams/),
        'it was rolled back',
      ],
      state: 'nothing was changed',
    });
    expect(rowsOf(dir)).toEqual(before);
    expect(faultsOf(dir)).toEqual([]);
  });

  it('is rolled back where it has not as many documents as were planned', async () => {
    const dir = await unpacked('0.4.3');
    const before = rowsOf(dir);
    const failing = rebuilt(dir, (work) => ({ ...work, index: { ...work.index, documents: 387 } }));
    await expect(failing).rejects.toMatchObject({
      code: 'FAILED',
      details: [expect.stringContaining('it has 386 rows of 387 documents'), 'it was rolled back'],
    });
    expect(rowsOf(dir)).toEqual(before);
  });

  it('leaves damaged pages in the file, and the report says that a vacuum gives them back', async () => {
    const dir = await unpacked(FIXTURE);
    damagedFullTextPage(dir, 'data');
    const { stdout } = await run(['fts', 'rebuild', dir, '--yes'], {}, HERE);
    expect(stdout).toContain(`chroma-maint vacuum ${dir}`);
    expect((await run(['vacuum', dir, '--yes', '--min-reclaim', '0'])).exitCode).toBe(0);
    expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
    expect(faultsOf(dir)).toEqual([]);
  });

  it('ends where NUL stands in a document, so that no SQLite finds it at odds with itself, and the plan says so', async () => {
    const dir = await unpacked(FIXTURE);
    const text = `before nuls ${'\0'.repeat(100)} after nuls`;
    withDatabase(dir, (db) =>
      db.prepare("UPDATE embedding_metadata SET string_value = ? WHERE id = 1 AND key = 'chroma:document'").run(text),
    );
    const plan = await run(['fts', 'rebuild', dir, '--dry-run'], {}, HERE);
    expect(plan.stdout).toContain('1 document has a NUL character');
    expect(await fts('rebuild', dir)).toMatchObject({ endingAtNul: 1, before: { differing: 1 } });
    expect(faultsOf(dir)).toEqual([]);
    const stored = 'SELECT string_value FROM embedding_fulltext_search WHERE rowid = 1';
    expect(withDatabase(dir, (db) => db.prepare(stored).pluck().get())).toBe('before nuls ');
    expect(await fts('rebuild', dir)).toMatchObject({ before: { differing: 0 } });
  });

  it('is empty where there are no documents', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    withDatabase(dir, (db) => db.exec("DELETE FROM embedding_metadata WHERE key = 'chroma:document'"));
    expect(await fts('rebuild', dir)).toMatchObject({ changed: true, documents: 0, sample: { queries: 0, hits: 0 } });
    expect(faultsOf(dir)).toEqual([]);
  });

  it('keeps the documents of deleted collections, which are for clean to delete', async () => {
    const dir = await unpacked(FIXTURE);
    const { documents } = await fts('rebuild', dir);
    orphanTopic(dir, 'ledger');
    expect((await fts('rebuild', dir)).documents).toBe(documents);
  });

  it('has a snapshot before it where that is asked for, and the report says how to go back', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    const repository = join(temporaryDirectory(), 'repo');
    const { stdout, exitCode } = await run(['fts', 'rebuild', dir, '--yes', '--backup', repository]);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('was made first and verified')]);
  });
});

describe('a rebuild', () => {
  it('is refused beside Chroma, and listed as refused in a dry run', async () => {
    const dir = await unpacked(FIXTURE);
    const before = bytesOf(dir);
    const busy = { holdersOf: () => IDLE_CHROMA };
    expect((await run(['fts', 'rebuild', dir, '--yes'], {}, busy)).exitCode).toBe(11);
    const { stdout, exitCode } = await run(['fts', 'rebuild', dir, '--dry-run'], {}, busy);
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('would be refused now (exit 11)')]);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each(['rebuild', 'optimize'])('has to have room for its journal and the new index (%s)', async (verb) => {
    const dir = await unpacked(FIXTURE);
    const before = bytesOf(dir);
    const host = { ...HERE, freeBytes: () => Promise.resolve(200_000) };
    const { exitCode, stderr } = await run(['fts', verb, dir, '--yes'], {}, host);
    expect([exitCode, stderr]).toEqual([15, expect.stringContaining('the rollback journal and the new index')]);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is refused where the documents changed since the plan was shown', async () => {
    const dir = await unpacked(FIXTURE);
    let rows: unknown;
    const answer = (): boolean => {
      withDatabase(dir, (db) => db.exec("DELETE FROM embedding_metadata WHERE id = 1 AND key = 'chroma:document'"));
      rows = rowsOf(dir);
      return true;
    };
    expect((await run(['fts', 'rebuild', dir], { answer }, HERE)).exitCode).toBe(16);
    expect(rowsOf(dir)).toEqual(rows);
  });

  it('asks, and changes nothing where the answer is no', async () => {
    const dir = await unpacked('0.4.3');
    const before = bytesOf(dir);
    const { questions, exitCode } = await run(['fts', 'rebuild', dir], { answer: 'no' }, HERE);
    expect([questions, exitCode]).toEqual([['Make the full-text index of 386 documents anew?'], 0]);
    expect(bytesOf(dir)).toEqual(before);
    expect((await run(['fts', 'rebuild', dir], { answer: 'yes' }, HERE)).exitCode).toBe(0);
    expect(faultsOf(dir)).toEqual([]);
  });
});
