/** Deleted texts that nobody names: what the database still says of them is enough to find them wherever they are. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexDirOf } from '../../support/index-damage.ts';
import { rowsKept, temporaryDirectory, unpacked, unpackedDemo } from '../../support/fixtures.ts';
import { inUnusedSlot, phraseFile, scrub, type TraceJson } from '../../support/scrub.ts';
import { seqIdsOf, withDatabase } from '../../support/state.ts';
import { appendRows } from '../../support/wal.ts';

const FIXTURE = '0.6.3-purge-off';

function inFile(name: string, content: string | Buffer): string {
  const directory = join(temporaryDirectory(), 'copy');
  mkdirSync(directory);
  writeFileSync(join(directory, name), content);
  return directory;
}

async function tracesIn(dir: string, ...options: readonly string[]): Promise<readonly TraceJson[]> {
  return (await scrub(dir, ['--dry-run', ...options])).json.searched.traces;
}

/** A row of the log and one that deletes its record, before Chroma has read either. */
function addedAndDeleted(dir: string, metadata: object): void {
  appendRows(dir, [
    { id: 'gone', metadata: JSON.stringify(metadata) },
    { id: 'gone', operation: 3n },
  ]);
}

function letter(name: string): string {
  return `Dear customer, thank you for your patience. We have sent the goods to ${name} of Harbour Street, and ask you to let us know whether they have arrived in good order. With kind regards, the shipping department.`;
}

describe('a text that no record has any more', () => {
  it('is told in a row that has to stay, by the row', async () => {
    const dir = await unpacked(FIXTURE);
    addedAndDeleted(dir, { 'chroma:document': 'a document in a row that is still needed' });
    const rows = (await tracesIn(dir)).filter(
      ({ place, collection }) => place === 'wal' && collection?.name === 'drafts',
    );
    expect(rows).toEqual([expect.objectContaining({ state: 'waiting-for-metadata', prunable: false, texts: 1 })]);
  });

  it('is found in a slot of an index once its row has gone', async () => {
    const dir = await unpacked(FIXTURE);
    const kept = new Set(rowsKept(FIXTURE, seqIdsOf(dir)));
    const text = 'the document of a row that goes with this scrub';
    const [goes] = seqIdsOf(dir).filter((seqId) => !kept.has(seqId));
    withDatabase(dir, (db) =>
      db
        .prepare('UPDATE embeddings_queue SET metadata = ? WHERE seq_id = ?')
        .run(JSON.stringify({ 'chroma:document': text }), goes),
    );
    const other = await unpacked(FIXTURE);
    // What the fixture has in that slot by itself is in neither of them then.
    inUnusedSlot(other, 'notes', '#'.repeat(100));
    inUnusedSlot(dir, 'notes', `"${text}"`.padEnd(100, '#'));
    const file = join(indexDirOf(dir, 'notes').slice(dir.length + 1), 'data_level0.bin');
    const inSlots = async (each: string): Promise<number> =>
      (await scrub(each)).json.searched.traces.find(({ path }) => path === file)?.texts ?? 0;
    expect(await inSlots(dir)).toBe((await inSlots(other)) + 1);
  });

  it('is found by any part of it that is long enough', async () => {
    const dir = await unpacked(FIXTURE);
    const words = Array.from({ length: 3_000 }, (_, at) => `w${(at * 7919) % 10_007}`).join(' ');
    addedAndDeleted(dir, { 'chroma:document': words });
    for (const [name, from, to] of [
      ['beginning', 0, 31],
      ['middle', 5_000, 5_031],
      ['end', -16, undefined],
    ] as const) {
      const copy = inFile(name, `${'#'.repeat(99)}${words.slice(from, to)}${'#'.repeat(99)}`);
      const found = (await tracesIn(dir, '--also', copy)).filter(({ root }) => root === copy);
      expect(found).toEqual([expect.objectContaining({ path: name, texts: 1 })]);
    }
  });

  it('is found although most of it is in others that live, by what is its own', async () => {
    const dir = await unpacked(FIXTURE);
    const living = Array.from({ length: 20 }, (_, at) => ({
      id: `letter-${at}`,
      metadata: JSON.stringify({ 'chroma:document': letter(`Customer Number ${at}`) }),
    }));
    appendRows(dir, living);
    addedAndDeleted(dir, { 'chroma:document': letter('Zacharias Quittenbaum') });
    const copies = { deleted: letter('Zacharias Quittenbaum'), living: letter('Customer Number 7') };
    for (const [name, text] of Object.entries(copies)) {
      const copy = inFile(name, text);
      const found = (await tracesIn(dir, '--also', copy)).filter(({ root }) => root === copy);
      expect(found.length).toBe(name === 'deleted' ? 1 : 0);
    }
  });

  it('may be a value that its record has changed since', async () => {
    const dir = await unpacked(FIXTURE);
    const old = 'alice.anderson@old-mail.example';
    withDatabase(dir, (db) => {
      const [topic, id, row] = db
        .prepare<[], [string, string, bigint]>(
          `SELECT q.topic, e.embedding_id, MAX(q.seq_id) FROM embeddings AS e
           JOIN segments AS s ON s.id = e.segment_id JOIN collections AS c ON c.id = s.collection AND c.name = 'drafts'
           JOIN embeddings_queue AS q ON q.id = e.embedding_id AND q.topic LIKE '%' || c.id`,
        )
        .raw()
        .get() ?? ['', '', 0n];
      expect(topic).not.toBe('');
      db.prepare('UPDATE embeddings_queue SET metadata = ? WHERE seq_id = ?').run(JSON.stringify({ email: old }), row);
      db.prepare(
        `INSERT INTO embedding_metadata (id, key, string_value)
         SELECT id, 'email', 'alice@new-mail.example' FROM embeddings WHERE embedding_id = ?`,
      ).run(id);
    });
    const copy = inFile('addresses', `bob@example.org\n${old}\n`);
    const traces = await tracesIn(dir, '--also', copy);
    expect(traces).toContainEqual(expect.objectContaining({ root: copy, path: 'addresses', texts: 1 }));
    expect(traces).toContainEqual(
      expect.objectContaining({ place: 'wal', collection: expect.objectContaining({ name: 'drafts' }), texts: 1 }),
    );
  });

  it('is found with its key where it is short, in the words of Rust, of Python and of a table', async () => {
    const dir = await unpacked(FIXTURE);
    addedAndDeleted(dir, { 'chroma:document': '123-45-6789' });
    for (const text of [
      '{"chroma:document":"123-45-6789"}',
      '{"chroma:document": "123-45-6789"}',
      'chroma:document123-45-6789',
    ]) {
      const copy = inFile('server.log', text);
      const found = (await tracesIn(dir, '--also', copy)).filter(({ root }) => root === copy);
      expect(found).toEqual([expect.objectContaining({ path: 'server.log', texts: 1 })]);
    }
    const other = inFile('other.log', '{"chroma:document": "123-45-6780"} 123-45-6789');
    expect((await tracesIn(dir, '--also', other)).filter(({ root }) => root === other)).toEqual([]);
  });

  it('is told to be too short where even that says nothing, unless a record has it as well', async () => {
    const dir = await unpackedDemo();
    const added = (metadata: object): void => {
      const topic = withDatabase(dir, (db) =>
        db.prepare<[], string>('SELECT MIN(topic) FROM embeddings_queue').pluck().get(),
      );
      appendRowsOf(dir, topic ?? '', metadata);
    };
    const searched = async (): Promise<{ tooShort: number; isGone: boolean }> =>
      (await scrub(dir, ['--dry-run'])).json.searched;
    expect(await searched()).toMatchObject({ tooShort: 0, isGone: true });
    added({ pin: '1234' });
    expect(await searched()).toMatchObject({ tooShort: 1, isGone: false });
    withDatabase(dir, (db) =>
      db.exec(`INSERT INTO embedding_metadata (id, key, string_value)
        SELECT id, 'pin', '1234' FROM embeddings WHERE segment_id IN (SELECT id FROM segments) LIMIT 1`),
    );
    expect(await searched()).toMatchObject({ tooShort: 0 });
  });
});

/** The same in a directory without the collection `drafts`. */
function appendRowsOf(dir: string, topic: string, metadata: object): void {
  withDatabase(dir, (db) => {
    const insert = db.prepare('INSERT INTO embeddings_queue (operation, topic, id, metadata) VALUES (?, ?, ?, ?)');
    insert.run(0n, topic, 'gone', JSON.stringify(metadata));
    insert.run(3n, topic, 'gone', null);
  });
}

describe('an index on another disk, to which a link leads,', () => {
  it('is searched as if it were in the directory', async () => {
    const dir = await unpacked(FIXTURE);
    inUnusedSlot(dir, 'notes', 'heap memory of a server with a secret in it');
    const place = indexDirOf(dir, 'notes');
    const elsewhere = join(temporaryDirectory(), 'other-disk');
    renameSync(place, elsewhere);
    symlinkSync(elsewhere, place);
    const phrases = phraseFile(['heap memory of a server with a secret in it']);
    const { searched } = (await scrub(dir, ['--dry-run', '--phrases', phrases])).json;
    expect(searched.traces.filter((each) => each.phrases.length > 0)).toEqual([
      expect.objectContaining({ place: 'index', path: expect.stringMatching(/data_level0\.bin$/) }),
    ]);
    expect(searched.unsearchable).toEqual([]);
  });
});

describe('a phrase', () => {
  it('is in a row only where all of it is', async () => {
    const dir = await unpacked(FIXTURE);
    const [document] = withDatabase(dir, (db) =>
      db
        .prepare<[], string>("SELECT string_value FROM embedding_metadata WHERE key = 'chroma:document' LIMIT 1")
        .pluck()
        .all(),
    );
    const phrases = [`${document?.slice(0, 20)} by somebody who is in no record`, document?.slice(0, 20) ?? ''];
    const { traces, indistinctPhrases } = (await scrub(dir, ['--dry-run', '--phrases', phraseFile(phrases)])).json
      .searched;
    expect(traces.flatMap((each) => each.phrases)).not.toContain(1);
    expect(traces.find(({ place }) => place === 'live')?.phrases).toEqual([2]);
    expect(indistinctPhrases).toEqual([]);
  });

  it('that no row has, but of which every piece is in a text that lives, cannot be searched for', async () => {
    const dir = await unpacked(FIXTURE);
    const document = withDatabase(dir, (db) =>
      db
        .prepare<[], string>("SELECT string_value FROM embedding_metadata WHERE key = 'chroma:document' LIMIT 1")
        .pluck()
        .get(),
    );
    const twice = `${document?.slice(0, 16)}${document?.slice(0, 16)}`;
    const { exitCode, json } = await scrub(dir, ['--dry-run', '--phrases', phraseFile([twice])]);
    expect([exitCode, json.searched.indistinctPhrases]).toEqual([3, [1]]);
  });

  it('may be the name of a collection, or the id of a record', async () => {
    const dir = await unpacked(FIXTURE);
    withDatabase(dir, (db) =>
      db.exec(`
        UPDATE collections SET name = 'user-alice.anderson@example.org' WHERE name = 'empty';
        UPDATE embeddings SET embedding_id = 'the record of bob barker' WHERE id = (SELECT MIN(id) FROM embeddings)`),
    );
    appendRows(dir, [{ id: 'the id of carol carpenter', operation: 3n }]);
    const phrases = phraseFile(['alice.anderson@example.org', 'the record of bob barker', 'the id of carol carpenter']);
    const traces = (await tracesIn(dir, '--phrases', phrases)).filter((each) => each.phrases.length > 0);
    expect(traces.map(({ place, table, phrases: numbers }) => [place, table, numbers])).toEqual([
      ['table', 'embeddings', [2]],
      ['table', 'collections', [1]],
      ['wal', null, [3]],
    ]);
  });
});
