/**
 * wal list, show and export on directories that are not as they should be, and for people who type something else.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { exportToFile } from '../../src/operations/wal/export.ts';
import * as damage from '../support/damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { NOBODY } from '../support/holders.ts';
import { holdingOpen, inTransaction } from '../support/process.ts';
import { PROGRAM, unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { bytesOf, seqIdsOf, withDatabase } from '../support/state.ts';
import { appendRows, exportedIn, listedIn, topicOf, withoutConstraints } from '../support/wal.ts';

const VERBS: readonly (readonly [string, (dir: string) => readonly string[]])[] = [
  ['list', (dir) => ['wal', 'list', dir]],
  ['list --json', (dir) => ['wal', 'list', dir, '--json']],
  ['show', (dir) => ['wal', 'show', dir, '400']],
  ['export', (dir) => ['wal', 'export', dir]],
  ['export -o', (dir) => ['wal', 'export', dir, '-o', join(dirname(dir), 'wal.jsonl')]],
];

describe.each(VERBS)('wal %s', (_, argv) => {
  const refusals: readonly (readonly [string, number, string, (dir: string) => void])[] = [
    ['a database of another program', 10, 'Chroma', (dir) => damage.foreignDatabase(dir)],
    ['a hot journal', 12, 'rollback journal', (dir) => damage.hotJournal(dir)],
    ['WAL mode', 12, 'WAL mode', (dir) => damage.walMode(dir, 'header')],
    ['an unknown migration', 13, 'migration', (dir) => damage.editedMigration(dir)],
  ];

  it.each(refusals)(
    'refuses a directory with %s with exit code %i, and changes no byte',
    async (_what, code, words, spoil) => {
      const dir = await unpacked('0.5.5');
      spoil(dir);
      const before = bytesOf(dirname(dir));
      const { exitCode, stdout, stderr } = await run(argv(dir));
      expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
      expect(stderr).toContain(words);
      expect(bytesOf(dirname(dir))).toEqual(before);
    },
  );

  it('works beside a process that has the directory open, and on a directory that may not be written to', async () => {
    const dir = await unpacked('0.5.5');
    await holdingOpen(join(dir, 'chroma.sqlite3'));
    const before = bytesOf(dir);
    expect((await run(argv(dir))).exitCode).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
    if (argv(dir).includes('-o')) return;
    const { status, stderr } = spawnSync(
      'unshare',
      [
        '--user',
        '--map-root-user',
        '--mount',
        'sh',
        '-c',
        'mount --bind -o ro "$1" "$1" && shift && exec "$@"',
        'sh',
        dir,
      ].concat([process.execPath, PROGRAM, ...argv(dir)]),
      { encoding: 'utf8' },
    );
    expect(status, stderr).toBe(0);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('waits for a lock for a moment, and then names who has it', async () => {
    const dir = await unpacked('0.5.5');
    const { pid } = await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN EXCLUSIVE');
    const { exitCode, stderr } = await run(argv(dir));
    expect(exitCode).toBe(11);
    expect(stderr).toContain(`pid ${pid} `);
  });
});

/** Wider rows, so that the queue has leaf pages enough; one in the midst of them is damaged. */
async function damaged(): Promise<string> {
  const dir = await unpacked('0.5.5');
  appendRows(
    dir,
    Array.from({ length: 300 }, (_, at) => ({
      id: `wide-${at}`,
      metadata: JSON.stringify({ text: 'x'.repeat(1000) }),
    })),
  );
  const page = withDatabase(dir, (db) =>
    db
      .prepare<[], bigint>(
        "SELECT pageno FROM dbstat WHERE name = 'embeddings_queue' AND pagetype = 'leaf' ORDER BY path DESC LIMIT 1 OFFSET 40",
      )
      .pluck()
      .get(),
  );
  const path = damage.databaseOf(dir);
  const bytes = readFileSync(path);
  bytes.fill(0xee, (Number(page) - 1) * 4096, Number(page) * 4096);
  writeFileSync(path, bytes);
  return dir;
}

describe('a damaged page in the middle of the queue', () => {
  it('ends a list with exit code 14, behind the rows before it, as a table and as JSON', async () => {
    const dir = await damaged();
    const last = 1126n;
    const before = bytesOf(dir);
    const json = await run(['wal', 'list', dir, '--json']);
    expect(json.exitCode).toBe(14);
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 'CORRUPT', changed: false });
    const rows = listedIn(json.stdout).map(({ seqId }) => BigInt(seqId));
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.length).toBeLessThan(300);
    expect(rows).toEqual(rows.map((_, at) => last - BigInt(at)));
    const table = await run(['wal', 'list', dir, '--limit', '1000']);
    expect(table.exitCode).toBe(14);
    expect(table.stdout).toContain(`${rows.length} rows of the WAL`);
    expect(table.stderr).toContain('the database is damaged');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('ends an export with exit code 14: to stdout behind the rows before it, into a file with no file', async () => {
    const dir = await damaged();
    const { exitCode, stdout } = await run(['wal', 'export', dir]);
    expect(exitCode).toBe(14);
    expect(exportedIn(stdout).length).toBeGreaterThan(706);
    const names = readdirSync(dirname(dir));
    const file = join(dirname(dir), 'wal.jsonl');
    expect(await run(['wal', 'export', dir, '-o', file])).toMatchObject({
      exitCode: 14,
      stderr: expect.stringContaining('nothing was changed'),
    });
    expect(readdirSync(dirname(dir))).toEqual(names);
  });

  it('leaves the rows behind it to an export that begins there', async () => {
    const dir = await damaged();
    const { exitCode, stdout } = await run(['wal', 'export', dir, '--after', '1100']);
    expect(exitCode).toBe(0);
    expect(exportedIn(stdout).map((row) => row.seq_id)).toEqual(
      Array.from({ length: 26 }, (_, at) => String(1101 + at)),
    );
  });
});

describe('rows that no Chroma writes', () => {
  it('are shown as what they are, and never guessed', async () => {
    const dir = await unpacked('0.5.5');
    appendRows(dir, [
      { operation: 4n, id: 'function' },
      { operation: 2n ** 40n, id: 'far' },
      { id: 'seven bytes', vector: Buffer.alloc(7), encoding: 'FLOAT32' },
      { id: 'other encoding', vector: Buffer.alloc(8), encoding: 'FLOAT64' },
      { id: 'no encoding', vector: Buffer.alloc(8) },
      { id: 'not finite', vector: Buffer.from([0, 0, 0xc0, 0x7f]), encoding: 'FLOAT32' },
      { id: 'empty', vector: Buffer.alloc(0), encoding: 'FLOAT32' },
      { id: 'whole', vector: Buffer.from([3, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff]), encoding: 'INT32' },
      { id: 'text', vector: 'abcd', encoding: 'FLOAT32' },
      { id: Buffer.from([0, 255]), metadata: Buffer.from('{}') },
      { id: 'list', metadata: '[1]' },
      {
        id: 'python',
        metadata: '{"a": NaN, "b": -Infinity, "c": 12345678901234567890, "__proto__": null, "1": "\\"}"}',
      },
      { id: 'twice', metadata: ' { "a" : 1 , "a" : {"b": [ "]" ]} } ' },
      { id: 'cut', metadata: '{"a": 1' },
    ]);
    const { stdout, exitCode } = await run(['wal', 'list', dir, '--json', '--limit', '14']);
    expect(exitCode).toBe(0);
    const told = listedIn(stdout).toReversed();
    expect(told.map(({ id, op, dimension, norm, vectorBytes }) => [id, op, dimension, norm, vectorBytes])).toEqual([
      ['function', 'unknown-4', null, null, null],
      ['far', 'unknown-1099511627776', null, null, null],
      ['seven bytes', 'add', null, null, 7],
      ['other encoding', 'add', null, null, 8],
      ['no encoding', 'add', null, null, 8],
      ['not finite', 'add', 1, null, 4],
      ['empty', 'add', 0, 0, 0],
      ['whole', 'add', 2, 5, 8],
      ['text', 'add', 1, expect.closeTo(1.6777999408082104e22, -18), 4],
      ["x'00ff'", 'add', null, null, null],
      ['list', 'add', null, null, null],
      ['python', 'add', null, null, null],
      ['twice', 'add', null, null, null],
      ['cut', 'add', null, null, null],
    ]);
    expect(told.slice(9).map(({ metadata, metadataKeys }) => [metadata, metadataKeys])).toEqual([
      ["x'7b7d'", null],
      ['[1]', null],
      [expect.stringContaining('NaN'), ['a', 'b', 'c', '__proto__', '1']],
      [' { "a" : 1 , "a" : {"b": [ "]" ]} } ', ['a', 'a']],
      ['{"a": 1', null],
    ]);
    const shown = await run(['wal', 'show', dir, String(seqIdsOf(dir).at(-3))]);
    for (const text of ['a: NaN', 'b: -Infinity', 'c: 12345678901234567890', '__proto__: null']) {
      expect(shown.stdout).toContain(text);
    }
    const exported = exportedIn((await run(['wal', 'export', dir, '--after', '826', '--vectors', 'array'])).stdout);
    expect(exported.map(({ vector }) => vector).slice(2, 9)).toEqual([
      Buffer.alloc(7).toString('base64'),
      Buffer.alloc(8).toString('base64'),
      Buffer.alloc(8).toString('base64'),
      'AADAfw==',
      [],
      [3, -4],
      [expect.any(Number)],
    ]);
  });

  it('may have nothing in them at all', async () => {
    const dir = await unpacked('0.5.5');
    withoutConstraints(dir);
    const [seqId] = appendRows(dir, [{ createdAt: null, operation: null, topic: null, id: null }]);
    const [row] = listedIn((await run(['wal', 'list', dir, '--json', '--limit', '1'])).stdout);
    const nothing = [row?.createdAt, row?.topic, row?.collection, row?.id, row?.encoding, row?.vectorBytes];
    expect([...nothing, row?.dimension, row?.norm, row?.metadata, row?.metadataKeys]).toEqual(Array(10).fill(null));
    expect(row).toMatchObject({ op: 'unknown-null', state: 'orphan', prunable: false });
    expect(await run(['wal', 'list', dir])).toMatchObject({ exitCode: 0 });
    expect(await run(['wal', 'show', dir, String(seqId)])).toMatchObject({ exitCode: 0 });
    expect(exportedIn((await run(['wal', 'export', dir, '--after', '826'])).stdout)).toHaveLength(1);
    const since = await run(['wal', 'list', dir, '--json', '--since', '2000-01-01']);
    expect(listedIn(since.stdout)).toHaveLength(706);
  });

  it('cannot repaint a terminal, whatever their ids, topics and keys are', async () => {
    const dir = await unpacked('0.5.5');
    const escape = '\u001B[2Jgone\r\nnext\u202E';
    const [first = 0n] = appendRows(dir, [
      {
        id: escape,
        topic: `persistent://x/${escape}`,
        metadata: JSON.stringify({ [escape]: escape }),
        encoding: escape,
      },
      { id: 'value', metadata: `{"a": "\u001B[2J"}` },
      { id: 'document', metadata: JSON.stringify({ 'chroma:document': `one\ntwo${escape}` }), createdAt: escape },
    ]);
    for (const argv of [['list', dir], ...[first, first + 1n, first + 2n].map((row) => ['show', dir, String(row)])]) {
      const { exitCode, stdout } = await run(['wal', ...argv, '--color', 'never'], { columns: 120 });
      expect(exitCode).toBe(0);
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
    const rows = listedIn((await run(['wal', 'list', dir, '--json', '--limit', '3'])).stdout);
    expect(rows.at(-1)?.id).toBe(escape);
  });

  it('may have a document of 10 MB: it is listed, exported whole, and shown cut', async () => {
    const dir = await unpacked('0.5.5');
    const document = 'many words \\ "quoted" '.repeat(480_000);
    const [row] = appendRows(dir, [{ id: 'long', metadata: JSON.stringify({ a: 1, 'chroma:document': document }) }]);
    expect(listedIn((await run(['wal', 'list', dir, '--json', '--limit', '1'])).stdout)[0]?.metadataKeys).toEqual([
      'a',
      'chroma:document',
    ]);
    const shown = await run(['wal', 'show', dir, String(row)]);
    expect(shown.stdout.length).toBeLessThan(10_000);
    expect(shown.stdout).toContain('(10,560,000 characters; all of them: --json)');
    const json = JSON.parse((await run(['wal', 'show', dir, String(row), '--json'])).stdout) as { document: string };
    expect(json.document).toBe(document);
    const file = join(temporaryDirectory(), 'wal.jsonl.gz');
    expect(await run(['wal', 'export', dir, '-o', file, '--after', '826'])).toMatchObject({ exitCode: 0 });
    const [line] = exportedIn(gunzipSync(readFileSync(file)).toString('utf8'));
    expect(line?.metadata).toBe(JSON.stringify({ a: 1, 'chroma:document': document }));
  });

  it('of a topic that ends in no collection are orphans, and no collection has them', async () => {
    const dir = await unpacked('0.5.5');
    const id = topicOf(dir, 'drafts').split('/').at(-1) ?? '';
    appendRows(dir, [
      { id: 'gone', topic: 'persistent://default/default/00000000-0000-0000-0000-000000000000' },
      { id: 'close', topic: `persistent://default/default/x${id}` },
      { id: 'bare', topic: id },
      { id: 'elsewhere', topic: `persistent://a/b/c/${id}` },
    ]);
    const { stdout } = await run(['wal', 'list', dir, '--json', '--collection', 'drafts']);
    expect(
      listedIn(stdout)
        .slice(0, 2)
        .map((row) => row.id),
    ).toEqual(['elsewhere', 'bare']);
    expect(listedIn(stdout).every((row) => row.collectionName === 'drafts')).toBe(true);
    const all = listedIn((await run(['wal', 'list', dir, '--json', '--limit', '4'])).stdout);
    expect(all.map(({ id: record, state }) => [record, state])).toEqual([
      ['elsewhere', 'waiting-for-metadata'],
      ['bare', 'waiting-for-metadata'],
      ['close', 'orphan'],
      ['gone', 'orphan'],
    ]);
  });
});

describe('positions that cannot be believed', () => {
  const cases: readonly (readonly [string, string, (dir: string) => void])[] = [
    ['a pickle cut short', '0.5.5', (dir) => damage.truncatedPickle(dir, 'ledger')],
    ['an index ahead of its metadata', '0.6.3-purge-off', (dir) => damage.vectorAheadOfMetadata(dir, 'ledger')],
    [
      'a position beyond the end of the queue',
      '1.5.9-purge-off',
      (dir) => damage.poisonedWatermark(dir, 'ledger', 'INTEGER'),
    ],
    ['a missing pickle', '1.5.9-purge-off', (dir) => damage.missingPickle(dir, 'ledger')],
  ];

  it.each(cases)('%s makes no row committed and none prunable', async (_, name, spoil) => {
    const dir = await unpacked(name);
    spoil(dir);
    const rows = listedIn((await run(['wal', 'list', dir, '--json', '--collection', 'ledger'])).stdout);
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter(({ state, prunable }) => state === 'committed' || prunable)).toEqual([]);
    expect(rows.some(({ state }) => state === 'unknown')).toBe(!(name === '0.6.3-purge-off'));
    const shown = await run(['wal', 'show', dir, rows.at(-1)?.seqId ?? '']);
    expect(shown.exitCode).toBe(0);
  });

  it('one position beyond the end of the queue makes no row of any collection prunable, as a prune deletes none', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    damage.poisonedWatermark(dir, 'ledger', 'INTEGER');
    const rows = listedIn((await run(['wal', 'list', dir, '--json'])).stdout);
    expect(rows.some(({ state }) => state === 'committed')).toBe(true);
    expect(rows.filter(({ prunable }) => prunable)).toEqual([]);
  });
});

describe('an export into a file', () => {
  it('is refused where something stands, in the persist directory, and where there is no directory', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    writeFileSync(join(place, 'there'), 'kept');
    symlinkSync('nowhere', join(place, 'link'));
    mkdirSync(join(place, 'folder'));
    symlinkSync(dir, join(place, 'inside'));
    const before = [bytesOf(dir), bytesOf(place)];
    const refused: readonly (readonly [string, number])[] = [
      [join(place, 'there'), 17],
      [join(place, 'link'), 17],
      [join(place, 'folder'), 17],
      [join(dir, 'wal.jsonl'), 20],
      [join(place, 'inside', 'wal.jsonl'), 20],
      [join(place, 'missing', 'wal.jsonl'), 2],
    ];
    for (const [file, code] of refused) {
      const { exitCode, stderr } = await run(['wal', 'export', dir, '-o', file]);
      expect({ file, exitCode }).toEqual({ file, exitCode: code });
      expect(stderr).toContain('nothing was changed');
    }
    expect([bytesOf(dir), bytesOf(place)]).toEqual(before);
  });

  it('leaves nothing where it was interrupted', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const signal = AbortSignal.abort();
    const { exitCode, stderr } = await run(['wal', 'export', dir, '-o', join(place, 'wal.jsonl')], { signal });
    expect(exitCode).toBe(130);
    expect(stderr).toContain('nothing was changed');
    expect(readdirSync(place)).toEqual([]);
  });

  it('leaves nothing where it was interrupted in the middle', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const wanted = { collections: [], operation: null, since: null, until: null, id: null, limit: null };
    const request = { ...wanted, path: dir, after: null, vectors: 'base64' as const, file: join(place, 'wal.jsonl') };
    const controller = new AbortController();
    const seen: string[] = [];
    const exporting = exportToFile(request, realHost, {
      signal: controller.signal,
      onStage: () => undefined,
      onBytes() {
        seen.push(...readdirSync(place));
        controller.abort();
      },
    });
    await expect(exporting).rejects.toMatchObject({ code: 'INTERRUPTED', changed: false });
    expect(seen).toEqual(['.wal.jsonl.chroma-maint-unfinished']);
    expect(readdirSync(place)).toEqual([]);
  });

  it('takes nothing away that came to its place meanwhile', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const file = join(place, 'wal.jsonl');
    const wanted = { collections: [], operation: null, since: null, until: null, id: null, limit: null };
    const exporting = exportToFile({ ...wanted, path: dir, after: null, vectors: 'base64', file }, realHost, {
      signal: new AbortController().signal,
      onStage: () => undefined,
      onBytes: () => writeFileSync(file, 'of somebody else'),
    });
    await expect(exporting).rejects.toMatchObject({ code: 'TARGET_EXISTS', changed: false });
    expect(readFileSync(file, 'utf8')).toBe('of somebody else');
    expect(readdirSync(place)).toEqual(['wal.jsonl']);
  });

  it('takes away what it has left itself, whatever processes of others cannot be looked into', async () => {
    const dir = await unpacked('0.5.5');
    const file = join(temporaryDirectory(), 'wal.jsonl');
    writeFileSync(join(file, '..', '.wal.jsonl.chroma-maint-unfinished'), 'half');
    const others = { holdersOfFile: () => ({ ...NOBODY, unreadable: 1 }) };
    const foreign = { ...others, userId: () => realHost.userId() + 1 };
    expect((await run(['wal', 'export', dir, '-o', file], {}, foreign)).exitCode).toBe(17);
    expect((await run(['wal', 'export', dir, '-o', file], {}, others)).exitCode).toBe(0);
  });

  it('leaves nothing on a disk that it fills', async () => {
    const dir = await unpacked('0.5.5');
    const script =
      'mount -t tmpfs -o size=100k none "$1" || exit 99; disk=$1; shift; "$@"; code=$?; ls -A "$disk"; exit $code';
    const place = temporaryDirectory();
    const argv = [process.execPath, PROGRAM, 'wal', 'export', dir, '-o', join(place, 'wal.jsonl')];
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', script, 'sh', place, ...argv],
      { encoding: 'utf8' },
    );
    expect({ status, stdout }).toEqual({ status: 15, stdout: '' });
    expect(stderr).toContain('nothing was changed');
  });

  it('takes away what a killed run has left, but nothing that somebody is writing', async () => {
    const dir = await unpacked('0.5.5');
    const place = temporaryDirectory();
    const [file, left] = [join(place, 'wal.jsonl'), join(place, '.wal.jsonl.chroma-maint-unfinished')];
    writeFileSync(left, 'half');
    const child = await holdingOpen(left);
    expect(await run(['wal', 'export', dir, '-o', file])).toMatchObject({
      exitCode: 17,
      stderr: expect.stringContaining(`pid ${child.pid} `),
    });
    expect(readFileSync(left, 'utf8')).toBe('half');
    child.kill('SIGKILL');
    await new Promise((resolve) => void child.once('close', resolve));
    expect(await run(['wal', 'export', dir, '-o', file])).toMatchObject({ exitCode: 0 });
    expect(readdirSync(place)).toEqual(['wal.jsonl']);
    expect(exportedIn(readFileSync(file, 'utf8'))).toHaveLength(706);
  });

  it('may not be written where this user may not write', async () => {
    const dir = await unpacked('0.5.5');
    const { status, stderr } = unprivileged('wal', 'export', dir, '-o', '/proc/wal.jsonl');
    expect([1, 19]).toContain(status);
    expect(stderr).toContain('nothing was changed');
    expect(existsSync('/proc/wal.jsonl')).toBe(false);
  });
});

describe('a reader that leaves early', () => {
  it.each([['list --json'], ['export']])('of wal %s is no failure', async (verb) => {
    const dir = await unpacked('0.5.5');
    appendRows(
      dir,
      Array.from({ length: 3000 }, (_, at) => ({
        id: `wide-${at}`,
        metadata: JSON.stringify({ text: 'x'.repeat(1000) }),
      })),
    );
    const line = `"$0" "$1" wal ${verb} "$2" | head -n 2; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, PROGRAM, dir], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n').at(-1)).toBe('0');
    expect(stdout.trim().split('\n')).toHaveLength(3);
  });
});

describe('wrong words', () => {
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [['list', '--op', 'insert'], 'Allowed choices'],
    [['list', '--since', 'yesterday'], 'A time looks like'],
    [['list', '--since', '2026-02-31'], 'A time looks like'],
    [['list', '--until', '2026-11-21T25:00'], 'A time looks like'],
    [['list', '--limit', '0'], 'at least 1'],
    [['list', '--collection', 'nobody'], 'there is no collection "nobody"'],
    [['list', '--collection', 'notes'], '2 collections answer to "notes"'],
    [['export', '--after', '-1'], 'whole number'],
    [['export', '--after', '9223372036854775808'], 'whole number'],
    [['export', '--vectors', 'hex'], 'Allowed choices'],
    [['export', '--redact'], "unknown option '--redact'"],
    [['show'], 'no row was named'],
    [['show', 'x1'], 'this is no seq_id: x1'],
    [['show', '827'], 'its rows go from 1 to 826'],
  ];

  it.each(wrong)('wal %j is refused with exit code 2', async ([verb = '', ...rest], words) => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = bytesOf(dir);
    const argv = ['wal', verb, dir, ...rest];
    const { exitCode, stderr, stdout } = await run(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(bytesOf(dir)).toEqual(before);
  });

  it('a directory that was not named, or twice, is refused, and with --path the only argument is the row', async () => {
    const dir = await unpacked('0.5.5');
    for (const verb of ['list', 'export', 'show']) expect((await run(['wal', verb])).exitCode).toBe(2);
    expect((await run(['wal', 'list', dir, '--path', '/elsewhere'])).exitCode).toBe(2);
    const named = await run(['wal', 'show', dir, '5', '--json']);
    const byPath = await run(['wal', 'show', '5', '--path', dir, '--json']);
    const both = await run(['wal', 'show', dir, '5', '--path', dir, '--json']);
    const seqIds = [named, byPath, both].map(({ stdout }) => (JSON.parse(stdout) as { seqId: string }).seqId);
    expect(seqIds).toEqual(['5', '5', '5']);
  });
});
