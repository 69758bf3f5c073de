/**
 * wal list and wal export: which rows, in which order, and what they leave to others meanwhile.
 */
import Database from 'better-sqlite3';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Host } from '../../../src/host/host.ts';
import { realHost } from '../../../src/host/real-host.ts';
import { exportLines, exportToFile } from '../../../src/operations/wal/export.ts';
import { listRows } from '../../../src/operations/wal/list.ts';
import type { Wanted } from '../../../src/operations/wal/question.ts';
import { databaseOf, emptiedQueue } from '../../support/damage.ts';
import { temporaryDirectory, unpacked } from '../../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../../support/holders.ts';
import { run } from '../../support/run.ts';
import { seqIdsOf, withDatabase } from '../../support/state.ts';
import { appendRows, exportedIn, listedIn, type ListedRow } from '../../support/wal.ts';

const ALL: Wanted = { collections: [], operation: null, since: null, until: null, id: null, limit: null };

/** Monday noon. */
const NOW: Partial<Host> = { now: () => new Date('2026-11-23T12:00:00Z') };

async function listed(dir: string, ...options: readonly string[]): Promise<readonly ListedRow[]> {
  const { exitCode, stdout, stderr } = await run(['wal', 'list', dir, '--json', ...options], {}, NOW);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return listedIn(stdout);
}

/** A directory with rows of known times at its end. */
async function timed(): Promise<string> {
  const dir = await unpacked('0.5.5');
  const times = ['2026-11-22 11:59:59', '2026-11-22 12:00:00', '2026-11-22 12:00:01', '2026-11-23 00:00:00'];
  appendRows(
    dir,
    times.map((createdAt, at) => ({ createdAt, id: `at-${at}`, operation: BigInt(at % 4) })),
  );
  return dir;
}

const idsOf = (rows: readonly ListedRow[]): readonly (string | null)[] => rows.map(({ id }) => id);

describe('the rows that are asked for', () => {
  it.each([
    ['--since 2026-11-22T12:00:00Z', ['at-3', 'at-2', 'at-1']],
    ['--since 2026-11-22T14:00:01+02:00', ['at-3', 'at-2']],
    ['--since 1d', ['at-3', 'at-2', 'at-1']],
    ['--since 86399s', ['at-3', 'at-2']],
    ['--since 2026-11-23', ['at-3']],
    ['--since 2026-11-22T11:59 --until 2026-11-22T12:00', ['at-1', 'at-0']],
    ['--since 2026-11-22 --until 24h', ['at-1', 'at-0']],
    ['--since 2026-11-22 --op add', ['at-0']],
    ['--since 2026-11-22 --op update', ['at-1']],
    ['--since 2026-11-22 --op upsert', ['at-2']],
    ['--since 2026-11-22 --op delete', ['at-3']],
    ['--id at-2', ['at-2']],
    ['--limit 2', ['at-3', 'at-2']],
    ['--collection drafts --limit 1', ['at-3']],
    ['--collection notes --since 2026-11-22', []],
    ['--since 2026-11-22 --id at-1 --op add', []],
  ])('%s', async (options, ids) => {
    const dir = await timed();
    const argv = options.replace('notes', 'default_tenant/default_database/notes').split(' ');
    expect(idsOf(await listed(dir, ...argv))).toEqual(ids);
    const exported = await run(['wal', 'export', dir, ...argv], {}, NOW);
    // The first rows and not the last are an export's.
    if (argv.includes('--limit')) return;
    expect(exportedIn(exported.stdout).map(({ id }) => id)).toEqual([...ids].toReversed());
  });

  it('of a collection are those of its own database, and of several those of each', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const all = await listed(dir);
    const of = (database: string, name: string): readonly ListedRow[] =>
      all.filter(
        (row) => row.collectionName === name && (row as unknown as { database: string }).database === database,
      );
    expect(await listed(dir, '--collection', 'archive/notes')).toEqual(of('archive', 'notes'));
    expect(of('archive', 'notes').length).toBeGreaterThan(0);
    const both = await listed(dir, '--collection', 'drafts', '--collection', 'archive/notes');
    expect(both).toEqual(all.filter((row) => of('archive', 'notes').includes(row) || row.collectionName === 'drafts'));
  });

  it('of a collection are found by its stored topic, too', async () => {
    const dir = await unpacked('0.4.24');
    const all = await listed(dir);
    expect(await listed(dir, '--collection', 'ledger')).toEqual(all.filter((row) => row.collectionName === 'ledger'));
    expect(all.some((row) => row.collectionName === 'ledger')).toBe(true);
  });

  it('are none in an empty queue', async () => {
    const dir = await unpacked('0.5.5');
    emptiedQueue(dir);
    expect(await listed(dir)).toEqual([]);
    expect(await run(['wal', 'list', dir])).toMatchObject({ exitCode: 0, stdout: `${dir}   no row of the WAL\n` });
    expect(await run(['wal', 'export', dir])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('are told to be more where there are more, and only there', async () => {
    const dir = await unpacked('0.5.5');
    const rows = seqIdsOf(dir).length;
    const fewer = await run(['wal', 'list', dir, '--limit', String(rows - 1), '--color', 'never'], { columns: 200 });
    expect(fewer.stdout).toContain(`--limit ${(rows - 1) * 10}`);
    const all = await run(['wal', 'list', dir, '--limit', String(rows)]);
    expect(all.stdout).not.toContain('older');
    expect(all.stdout).toContain(`${rows} rows of the WAL, the newest first`);
  });

  it('are named again in the command that shows more of them', async () => {
    const dir = await timed();
    const argv = [
      '--op',
      'add',
      '--collection',
      'drafts',
      '--since',
      '2020-01-01',
      '--until',
      '2026-11-22',
      '--limit',
      '2',
    ];
    const { stdout } = await run(['wal', 'list', dir, ...argv], { columns: 300 });
    expect(stdout).toContain(
      `wal list ${dir} --collection drafts --op add --since 2020-01-01T00:00:00Z --until 2026-11-22T00:00:00Z --limit 20`,
    );
  });
});

describe('hashes instead of names', () => {
  it('leave out what was written, in a list and of one row', async () => {
    const dir = await unpacked('0.5.5');
    const rows = await listed(dir, '--redact');
    expect(new Set(rows.map(({ metadata }) => metadata))).toEqual(new Set([null]));
    for (const argv of [
      ['list', dir],
      ['show', dir, '1'],
      ['show', dir, '1', '--json'],
      ['list', dir, '--json'],
    ]) {
      const { stdout } = await run(['wal', ...argv, '--redact'], { columns: 200 });
      expect(stdout.length).toBeGreaterThan(100);
      expect(stdout).not.toMatch(/note|draft|ledger|__proto__|Document|title|default_tenant|Füße/);
    }
    const keys = new Set(rows.flatMap(({ metadataKeys }) => metadataKeys ?? []));
    expect([...keys].every((key) => /^key-[0-9a-f]{8}$/.test(key))).toBe(true);
  });
});

describe('what is read in pages', () => {
  it('is every row once, where pages end by number and where they end by size', async () => {
    const dir = await unpacked('0.5.5');
    appendRows(
      dir,
      Array.from({ length: 4_500 }, (_, at) => ({
        id: `row-${at}`,
        metadata: at % 500 === 0 ? JSON.stringify({ text: 'x'.repeat(3_000_000) }) : null,
      })),
    );
    const seqIds = seqIdsOf(dir);
    const newest: bigint[] = [];
    await listRows({ ...ALL, path: dir, redact: false, isStreamed: true, tellsMore: false }, realHost, async (rows) => {
      newest.push(...rows.map(({ seqId }) => seqId));
    });
    expect(newest.toReversed()).toEqual(seqIds);
    let text = '';
    const request = { ...ALL, path: dir, after: null, vectors: 'none' } as const;
    const exported = await exportLines(request, realHost, async (lines) => void (text += lines));
    expect(exportedIn(text).map((row) => BigInt(row.seq_id))).toEqual(seqIds);
    expect(exported).toEqual({ rows: seqIds.length, firstSeqId: 1n, lastSeqId: seqIds.at(-1), endsBefore: null });
  });

  it('ends at its limit, on whichever page that is', async () => {
    const dir = await unpacked('0.5.5');
    appendRows(
      dir,
      Array.from({ length: 4_500 }, (_, at) => ({ id: `row-${at}` })),
    );
    const seqIds = seqIdsOf(dir);
    for (const limit of [1_999, 2_000, 2_001, 4_100]) {
      const newest: bigint[] = [];
      const listing = { ...ALL, limit, path: dir, redact: false, isStreamed: true, tellsMore: false };
      await listRows(listing, realHost, async (rows) => void newest.push(...rows.map(({ seqId }) => seqId)));
      expect(newest.toReversed()).toEqual(seqIds.slice(-limit));
      let text = '';
      const request = { ...ALL, limit, path: dir, after: null, vectors: 'none' } as const;
      await exportLines(request, realHost, async (lines) => void (text += lines));
      expect(exportedIn(text).map((row) => BigInt(row.seq_id))).toEqual(seqIds.slice(0, limit));
    }
  });

  it('ends where the queue ended when it began', async () => {
    const dir = await unpacked('0.5.5');
    // More than one page, so that another is read after rows have come.
    appendRows(
      dir,
      Array.from({ length: 2_500 }, (_, at) => ({ id: `row-${at}` })),
    );
    const last = seqIdsOf(dir).at(-1);
    const host = { ...realHost, holdersOf: () => IDLE_CHROMA };
    const request = { ...ALL, path: dir, after: null, vectors: 'base64' } as const;
    const { lastSeqId } = await exportLines(request, host, async () => void appendRows(dir, [{ id: 'meanwhile' }]));
    expect(lastSeqId).toBe(last);
    expect(seqIdsOf(dir).at(-1)).toBeGreaterThan(last ?? 0n);
  });
});

/** What becomes of a writer's commit. */
function written(dir: string): string {
  const db = new Database(databaseOf(dir), { timeout: 0 });
  try {
    db.prepare('UPDATE embeddings_queue SET encoding = encoding WHERE seq_id = 1').run();
    return 'committed';
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    db.close();
  }
}

describe('while rows are taken', () => {
  it.each([
    ['streamed', NOBODY, true, 'committed'],
    ['not streamed, beside a server', IDLE_CHROMA, false, 'committed'],
    ['not streamed, beside processes that cannot be looked into', { ...NOBODY, unreadable: 1 }, false, 'committed'],
    ['not streamed, with nobody there', NOBODY, false, 'SQLITE_BUSY'],
  ] as const)('a list that is %s', async (_, holders, isStreamed, outcome) => {
    const dir = await unpacked('0.5.5');
    const outcomes: string[] = [];
    const host = { ...realHost, holdersOf: () => holders };
    await listRows(
      { ...ALL, path: dir, redact: false, isStreamed, tellsMore: !isStreamed },
      host,
      async () => void outcomes.push(written(dir)),
    );
    expect(new Set(outcomes)).toEqual(new Set([outcome]));
  });
});

describe('an export', () => {
  it('goes on where the last one ended, and both together are all of it', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const first = await run(['wal', 'export', dir, '-o', join(place, 'a.jsonl'), '--limit', '300', '--json']);
    const { after, rows, lastSeqId } = JSON.parse(first.stdout) as { after: string; rows: number; lastSeqId: string };
    expect([rows, after]).toEqual([300, lastSeqId]);
    await run(['wal', 'export', dir, '-o', join(place, 'b.jsonl.gz'), '--after', after]);
    const all = await run(['wal', 'export', dir]);
    const [a, b] = [readFileSync(join(place, 'a.jsonl')), gunzipSync(readFileSync(join(place, 'b.jsonl.gz')))];
    expect(Buffer.concat([a, b]).toString('utf8')).toBe(all.stdout);
    const none = await run(['wal', 'export', dir, '-o', join(place, 'c.jsonl'), '--after', '826', '--json']);
    expect(JSON.parse(none.stdout)).toMatchObject({
      rows: 0,
      bytes: 0,
      after: '826',
      firstSeqId: null,
      endsBefore: null,
    });
    expect(none.exitCode).toBe(0);
  });

  it('says its size, what it holds and what comes next, and may be read by its owner alone', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), 'wal.jsonl');
    const { stdout } = await run(['wal', 'export', dir, '-o', file, '--json', '--vectors', 'array']);
    const { size, mode } = statSync(file);
    expect(JSON.parse(stdout)).toMatchObject({ file, bytes: size, rows: 706, compressed: false, vectors: 'array' });
    expect(mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, '..'))).toEqual(['wal.jsonl']);
  });

  it('is compressed where its name ends in .gz, and nowhere else', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const text = (await run(['wal', 'export', dir])).stdout;
    for (const name of ['wal.gz.jsonl', 'wal.gz']) await run(['wal', 'export', dir, '-o', join(place, name)]);
    expect(readFileSync(join(place, 'wal.gz.jsonl'), 'utf8')).toBe(text);
    expect(gunzipSync(readFileSync(join(place, 'wal.gz'))).toString('utf8')).toBe(text);
  });

  it('warns where the queue ends before what it is to go on from, with exit code 3', async () => {
    const dir = await unpacked('0.5.5');
    const at = await run(['wal', 'export', dir, '--after', '827']);
    expect(at).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining('the WAL ends at 826') });
    const file = join(temporaryDirectory(), 'wal.jsonl');
    const into = await run(['wal', 'export', dir, '--after', '827', '-o', file, '--json', '--quiet']);
    expect(into).toMatchObject({ exitCode: 3, stderr: '' });
    expect(JSON.parse(into.stdout)).toMatchObject({ endsBefore: '826', after: null, rows: 0 });
    expect((await run(['wal', 'export', dir, '--after', '826'])).exitCode).toBe(0);
    emptiedQueue(dir);
    expect((await run(['wal', 'export', dir, '--after', '1'])).exitCode).toBe(3);
  });

  it('has vectors as the stored bytes, as numbers, or not at all', async () => {
    const dir = await unpacked('0.5.5');
    const forms = await Promise.all(
      ['base64', 'array', 'none'].map(async (form) => {
        const { stdout } = await run(['wal', 'export', dir, '--vectors', form, '--limit', '1']);
        return exportedIn(stdout)[0]?.vector;
      }),
    );
    const stored = withDatabase(dir, (db) =>
      db.prepare<[], Buffer>('SELECT vector FROM embeddings_queue WHERE seq_id = 1').pluck().get(),
    );
    const numbers = [...new Float32Array(new Uint8Array(stored ?? []).buffer)];
    expect(forms).toEqual([stored?.toString('base64'), numbers, null]);
  });

  it('shows how far it has come', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), 'wal.jsonl');
    const told: (readonly [number, number])[] = [];
    const request = { ...ALL, path: dir, after: 400n, vectors: 'base64', file } as const;
    const { bytes } = await exportToFile(request, realHost, {
      signal: new AbortController().signal,
      onStage: (stage) => expect(stage).toBe('exporting'),
      onBytes: (done, all) => void told.push([done, all]),
    });
    expect(told.length).toBeGreaterThan(0);
    expect(told.every(([done, all]) => done <= all)).toBe(true);
    const [done = 0, all = 0] = told.at(-1) ?? [];
    expect(done).toBe(all);
    expect(done).toBeGreaterThan(bytes / 2);
  });

  it('is on the disk before it gets its name, and its name after that', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const file = join(place, 'wal.jsonl');
    const synced: (readonly [string, readonly string[]])[] = [];
    const host = { ...realHost, sync: (path: string) => void synced.push([path, readdirSync(place)]) };
    const request = { ...ALL, path: dir, after: null, vectors: 'base64', file } as const;
    const signal = new AbortController().signal;
    await exportToFile(request, host, { signal, onStage: () => undefined, onBytes: () => undefined });
    const unfinished = '.wal.jsonl.chroma-maint-unfinished';
    expect(synced).toEqual([
      [join(place, unfinished), [unfinished]],
      [place, ['wal.jsonl']],
    ]);
  });
});
