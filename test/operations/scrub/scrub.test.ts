/**
 * scrub: nothing that was deleted is left in the database, and what is left elsewhere is named.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { locatePersistDir } from '../../../src/chroma/persist-dir.ts';
import { readSought } from '../../../src/operations/scrub/sought.ts';
import { withReadOnly } from '../../../src/sqlite/open.ts';
import { create, newRepository } from '../../support/backup.ts';
import { clean } from '../../support/clean.ts';
import { databaseOf } from '../../support/damage.ts';
import { FIXTURES, rowsKept, temporaryDirectory, unpacked } from '../../support/fixtures.ts';
import { faultsOf, hitsOf } from '../../support/full-text.ts';
import { fullTextTableOf } from '../../support/full-text-damage.ts';
import { NOBODY } from '../../support/holders.ts';
import {
  filesWith,
  inFreePages,
  inFullTextTable,
  inLeftIndex,
  inLeftRecord,
  inLiveRecord,
  inOrphanRow,
  inStrangeFile,
  inUnusedSlot,
  phraseFile,
  scrub,
  type ScrubJson,
} from '../../support/scrub.ts';
import { bytesOf, otherFilesOf, rowsOf, seqIdsOf, withDatabase } from '../../support/state.ts';

/** Each in one place, by which it is named. */
const PHRASES = {
  orphan: 'a row of the log that belongs to nothing, 4711 Maple Road',
  left: 'a record of a deleted collection, passport C01X00T47',
  fullText: 'what only the full-text table still has: the surgery was on 3 May',
  free: 'freed pages of the database remember that salary was 61,250',
  live: 'the owner of this text has asked for nothing',
  slot: 'heap memory of a server, written out with its index: token 8a71f',
  leftIndex: 'in the directory of an index that nobody needs any more, Q.E.D.',
  strange: 'a copy that somebody made before an upgrade, and forgot about',
  quarantined: 'put aside by an earlier clean-up, to be on the safe side',
  nowhere: 'this text has never been in any directory of Chroma at all',
} as const;
const NAMES = Object.keys(PHRASES) as readonly (keyof typeof PHRASES)[];

/** Deleted texts in every place, one that lives, and one that is nowhere. */
async function withTraces(): Promise<string> {
  const dir = await unpacked('0.6.3-purge-off');
  inLeftIndex(dir, PHRASES.quarantined);
  await clean(dir);
  inOrphanRow(dir, PHRASES.orphan);
  inLeftRecord(dir, PHRASES.left);
  inFullTextTable(dir, PHRASES.fullText);
  inFreePages(dir, PHRASES.free);
  inLiveRecord(dir, PHRASES.live);
  inUnusedSlot(dir, 'notes', PHRASES.slot);
  inLeftIndex(dir, PHRASES.leftIndex);
  inStrangeFile(dir, 'chroma.sqlite3.old', PHRASES.strange);
  return dir;
}

/** Where each phrase was found, by its name. */
function placesOf({ searched }: ScrubJson): Readonly<Record<string, readonly string[]>> {
  const places = NAMES.map((name, at) => {
    const found = searched.traces.filter(({ phrases }) => phrases.includes(at + 1));
    return [
      name,
      found.map(({ place, path }) => (place === 'file' ? `file ${path?.replaceAll(/[\w-]{20,}/g, '…')}` : place)),
    ];
  });
  return Object.fromEntries(places) as Readonly<Record<string, readonly string[]>>;
}

const ELSEWHERE = {
  orphan: ['wal'],
  left: ['left-behind'],
  fullText: ['full-text'],
  live: ['live'],
  slot: ['index'],
  leftIndex: ['left-index'],
  strange: ['file chroma.sqlite3.old'],
  quarantined: ['file .chroma-maint/quarantine/20261122T000000Z/…/length.bin'],
  nowhere: [],
};

describe('a directory with deleted texts in every place', () => {
  it('is told before, without a byte changed, where each of them is', async () => {
    const dir = await withTraces();
    const before = bytesOf(dir);
    const options = ['--dry-run', '--phrases', phraseFile(Object.values(PHRASES))];
    const { exitCode, json } = await scrub(dir, options);
    expect(bytesOf(dir)).toEqual(before);
    expect(json).toMatchObject({ changed: false, dryRun: true, overwrittenBytes: 0 });
    expect(withoutTimes(placesOf(json))).toEqual({ ...ELSEWHERE, free: ['free-space'] });
    expect(exitCode).toBe(3);
  });

  it('has none of them in free pages afterwards, and is told where the others are', async () => {
    const dir = await withTraces();
    const { exitCode, json } = await scrub(dir, ['--yes', '--phrases', phraseFile(Object.values(PHRASES))]);
    expect(exitCode).toBe(3);
    expect(json.changed).toBe(true);
    expect(withoutTimes(placesOf(json))).toEqual({ ...ELSEWHERE, free: [] });
    expect(filesWith(dir, PHRASES.free)).toEqual([]);
    const inDatabase = NAMES.filter((name) => filesWith(dir, PHRASES[name]).includes('chroma.sqlite3'));
    expect(inDatabase).toEqual(['orphan', 'left', 'fullText', 'live']);
  });

  it('is free of all that can be removed once it was cleaned as it was told', async () => {
    const dir = await withTraces();
    await clean(dir, '--delete');
    await clean(dir, '--purge-quarantine', '--older-than', '0s');
    const phrases = Object.values(PHRASES).filter((text) => text !== PHRASES.live && text !== PHRASES.slot);
    writeFileSync(join(dir, 'chroma.sqlite3.old'), '');
    const { json } = await scrub(dir, ['--yes', '--phrases', phraseFile(phrases)]);
    expect(json.searched.traces.filter((trace) => trace.phrases.length > 0)).toEqual([]);
    expect(phrases.flatMap((text) => filesWith(dir, text))).toEqual([]);
  });
});

function withoutTimes(places: Readonly<Record<string, readonly string[]>>): unknown {
  return Object.fromEntries(Object.entries(places).map(([name, all]) => [name, all.map(withoutTime)]));
}

function withoutTime(text: string): string {
  return text.replace(/quarantine\/\d+T\d+Z/, 'quarantine/20261122T000000Z');
}

describe('the old database', () => {
  it('is overwritten to its last byte, through its own descriptor', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    // To be written to as well: in this process it cannot be told from SQLite's own.
    const old = openSync(databaseOf(dir), 'r+');
    try {
      const { size } = fstatSync(old);
      const nobody = { holdersOf: () => NOBODY, holdersOfFile: () => NOBODY, probeLease: () => 'granted' as const };
      const { json } = await scrub(dir, ['--yes'], nobody);
      expect(json.overwrittenBytes).toBe(size);
      expect(fstatSync(old)).toMatchObject({ nlink: 0, size });
      expect(readFileSync(old).every((byte) => byte === 0)).toBe(true);
    } finally {
      closeSync(old);
    }
  });
});

describe('what a rebuild that was killed has left', () => {
  it('is overwritten before it is removed', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const left = `${databaseOf(dir)}.chroma-maint-rebuild`;
    writeFileSync(left, 'rows that may have been deleted since');
    const other = join(temporaryDirectory(), 'the-same-file');
    linkSync(left, other);
    await scrub(dir);
    expect(existsSync(left)).toBe(false);
    expect(readFileSync(other).every((byte) => byte === 0)).toBe(true);
  });
});

/** A naive second opinion: the last document that each id of a collection was given, over the whole history. */
function deletedIn(dir: string): ReadonlySet<string> {
  return withDatabase(dir, (db) => {
    const rows = db
      .prepare<[], { topic: string; id: string; operation: bigint; metadata: string | null }>(
        'SELECT topic, id, operation, metadata FROM embeddings_queue ORDER BY seq_id',
      )
      .all();
    const stored = new Set(
      db.prepare<[], string>("SELECT string_value FROM embedding_metadata WHERE key = 'chroma:document'").pluck().all(),
    );
    const texts = rows.flatMap(({ metadata }) => {
      const found = metadata?.match(/"chroma:document": ?("(?:[^"\\]|\\.)*")/)?.[1];
      return found === undefined ? [] : [JSON.parse(found) as string];
    });
    return new Set(texts.filter((text) => !stored.has(text)));
  });
}

describe.each(FIXTURES.filter(({ expected }) => ![14].includes(expected.exitCode)).map(({ name }) => name))(
  'the directory %s',
  (name) => {
    it('says the same as before, and has no deleted text in its database but in rows that have to stay', async () => {
      const dir = await unpacked(name);
      const kept = rowsKept(name, seqIdsOf(dir));
      const deleted = deletedIn(dir);
      const table = fullTextTableOf(dir);
      const derived = ['data', 'idx', 'docsize'].map((suffix) => `${table}_${suffix}`);
      const without = ['embeddings_queue', 'maintenance_log', ...derived];
      const [rows, files, hits] = [rowsOf(dir, without), otherFilesOf(dir), hitsOf(dir)];
      const { json } = await scrub(dir);
      expect(rowsOf(dir, without)).toEqual(rows);
      expect(seqIdsOf(dir)).toEqual(kept);
      expect(otherFilesOf(dir)).toEqual(files);
      expect(hitsOf(dir)).toEqual(hits);
      expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
      expect(json.searched.traces.filter(({ place }) => place === 'free-space')).toEqual([]);
      const inRows = new Set(
        withDatabase(dir, (db) =>
          db.prepare<[], string>('SELECT metadata FROM embeddings_queue WHERE metadata IS NOT NULL').pluck().all(),
        ).flatMap((metadata) =>
          [...deleted].filter(
            (text) => metadata.includes(text) || metadata.includes(JSON.stringify(text).slice(1, -1)),
          ),
        ),
      );
      const database = readFileSync(databaseOf(dir));
      const fullText = withDatabase(
        dir,
        (db) => new Set(db.prepare<[], string>(`SELECT string_value FROM ${table}`).pluck().all()),
      );
      const left = [...deleted].filter((text) => !inRows.has(text) && !fullText.has(text) && database.includes(text));
      expect(left).toEqual([]);
    });
  },
);

describe.each(['0.4.24', '0.5.5', '0.6.3-purge-off', '1.5.9-purge-off'])('a dry run in %s', (name) => {
  it('finds in indexes what the work finds in them afterwards', async () => {
    const dir = await unpacked(name);
    const { searched: before } = (await scrub(dir, ['--dry-run'])).json;
    const { searched: after } = (await scrub(dir)).json;
    expect(after.traces.filter(({ place }) => place === 'index')).toEqual(
      before.traces.filter(({ place }) => place === 'index'),
    );
    expect([after.texts, after.indistinct]).toEqual([before.texts, before.indistinct]);
  });
});

describe('the texts that are sought', () => {
  it.each(['0.5.5', '0.6.3-purge-off', '1.5.9-purge-off', 'chain-0.5.5-1.5.9'])(
    'are those of %s that no record has any more',
    async (name) => {
      const dir = await unpacked(name);
      const place = locatePersistDir(dir);
      const { counts, short } = withReadOnly(place.databasePath, 0, (db) => readSought(db, place, []));
      expect(counts.texts + short.size).toBeGreaterThanOrEqual(deletedIn(dir).size);
      expect(deletedIn(dir).size).toBeGreaterThan(0);
    },
  );
});

describe('indexes', () => {
  it('are said to keep the vectors of deleted records, and deletions that they have not saved', async () => {
    const { json } = await scrub(await unpacked('0.6.3-purge-off'));
    expect(json.searched.indexes.map(({ collection, ...rest }) => [collection.name, rest])).toEqual([
      // What was added and deleted since an index was saved last was never in it: five records of ledger, one of notes.
      ['notes', { deletedSlots: 10, elements: 203, unsavedDeletions: 1 }],
    ]);
    expect(json.searched.leftDirectories).toEqual(['77bbefcc-fa26-40f3-9644-30b5ff3a575b']);
    expect(json.searched.isGone).toBe(false);
  });
});

describe('backups and copies', () => {
  it('are searched where they are named, and said to be there still', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const repository = newRepository();
    await create(dir, repository);
    const others = newRepository();
    await create(await unpacked('0.4.0'), others);
    writeFileSync(join(others, 'old.tar.gz'), gzipSync(Buffer.alloc(5_000, 'text')));
    const { json } = await scrub(dir, ['--yes', '--also', repository, '--also', others]);
    const inBackup = json.searched.traces.filter(({ root }) => root === repository);
    expect(inBackup.some(({ path, texts }) => path?.endsWith('chroma.sqlite3') === true && texts > 20)).toBe(true);
    expect(json.searched.unsearchable).toEqual([{ root: others, path: 'old.tar.gz', because: 'compressed' }]);
  });

  it('that were made first are searched without being named', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const repository = newRepository();
    const { json } = await scrub(dir, ['--yes', '--backup', repository]);
    expect(json.searched.traces.some(({ root }) => root === repository)).toBe(true);
    expect(readdirSync(repository).length).toBeGreaterThan(1);
  });
});

describe('the full-text index', () => {
  it.each([
    ['before the character\0behind the character', 'before the character'],
    ['\0behind the character', ''],
  ])('ends at a NUL character as fts rebuild has it, and is sound: %j', async (text, expected) => {
    const dir = await unpacked('1.5.9-purge-off');
    const rowid = withDatabase(dir, (db) => {
      const id = db.prepare<[], bigint>('SELECT rowid FROM embedding_fulltext_search LIMIT 1').pluck().get();
      db.prepare("UPDATE embedding_metadata SET string_value = ? WHERE id = ? AND key = 'chroma:document'").run(
        text,
        id,
      );
      db.prepare('UPDATE embedding_fulltext_search SET string_value = ? WHERE rowid = ?').run(text, id);
      return id;
    });
    await scrub(dir);
    expect(faultsOf(dir)).toEqual([]);
    const left = withDatabase(dir, (db) =>
      db.prepare('SELECT string_value FROM embedding_fulltext_search WHERE rowid = ?').pluck().get(rowid),
    );
    expect(left).toBe(expected);
  });

  it('no longer has what was deleted from it', async () => {
    const dir = await unpacked('1.5.9-purge-off');
    withDatabase(dir, (db) => {
      const insert = db.prepare('INSERT INTO embedding_fulltext_search (rowid, string_value) VALUES (?, ?)');
      // Many pages of the index, more than what lives will need.
      db.transaction(() => {
        for (let row = 100; row < 150; row += 1) {
          insert.run(999_000 + row, Array.from({ length: 2_000 }, (_, at) => `≠${row}${at}`).join(' '));
        }
      })();
      db.exec('DELETE FROM embedding_fulltext_search WHERE rowid > 999000');
    });
    expect(readFileSync(databaseOf(dir)).includes('≠')).toBe(true);
    await scrub(dir);
    expect(readFileSync(databaseOf(dir)).includes('≠')).toBe(false);
  });
});
