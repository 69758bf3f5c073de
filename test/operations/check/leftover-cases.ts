import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LeftoverFinding } from '../../../src/operations/findings/leftovers.ts';
import { directoryBytes } from '../../../src/chroma/hnsw-files.ts';
import { formatBytes, formatCount } from '../../../src/units.ts';
import { archivedNotesOf, emptiedCatalog, lostDatabase, lostSegments } from '../../support/catalogue-damage.ts';
import { databaseOf, orphanSegmentRows, orphanTopic, vectorSegmentOf } from '../../support/damage.ts';
import { withDatabase } from '../../support/state.ts';
import { cleaned, type Case, type Cases, type Found } from './cases.ts';

const ERROR = { severity: 'error' } as const;
const WARNING = { severity: 'warning' } as const;
const INFO = { severity: 'info' } as const;
/** Its collection "retired" was deleted by Chroma 0.6.3, which leaves everything but the WAL and the catalogue. */
const RETIRED = '0.6.3-purge-off';

const LIVE_SEGMENTS = 'SELECT s.id FROM segments AS s JOIN collections AS c ON c.id = s.collection';
const LIVE_RECORDS = `SELECT id FROM embeddings WHERE segment_id IN (${LIVE_SEGMENTS})`;

function count(dir: string, sql: string): number {
  return withDatabase(dir, (db) => Number(db.prepare<[], bigint>(`SELECT COUNT(*) FROM ${sql}`).pluck().get()));
}

/** The rows of `table` for which `isOrphan` holds, beside all. */
function rowsOf(table: string, isOrphan: string): Case['finds'] {
  return (dir) => {
    const [rows, all] = [count(dir, `${table} WHERE ${isOrphan}`), count(dir, table)].map(formatCount);
    return [[table, new RegExp(`^${rows} of ${all} rows \\(about [\\d.]+ KiB\\)$`)]];
  };
}

/** Rows that 0.6.3 left of a deleted collection. */
function left(table: string, isOrphan: string, fixture = RETIRED): Case {
  return { ...WARNING, fixture, clean: (dir) => cleaned(dir, '--delete'), finds: rowsOf(table, isOrphan) };
}

function orphanDirectories(dir: string): readonly string[] {
  const live = withDatabase(dir, (db) => db.prepare<[], string>(LIVE_SEGMENTS).pluck().all());
  return readdirSync(dir)
    .filter((name) => name.length === 36 && !live.includes(name))
    .toSorted();
}

const STRAY = '00000000-0000-4000-8000-000000000007';

export const LEFTOVER_CASES: Cases<LeftoverFinding> = {
  'orphan-segment-dir': [
    {
      ...WARNING,
      title: 'of a deleted collection',
      fixture: RETIRED,
      clean: (dir) => cleaned(dir, '--delete'),
      finds: (dir) =>
        orphanDirectories(dir).map((name) => [name, `${formatBytes(directoryBytes(join(dir, name)))}, of no segment`]),
    },
    {
      ...WARNING,
      title: "with a file that is not Chroma's",
      fixture: '0.5.0-readd',
      shown: (dir) => {
        cpSync(join(dir, vectorSegmentOf(dir, 'notes')), join(dir, STRAY), { recursive: true });
        writeFileSync(join(dir, STRAY, 'mine.txt'), 'mine');
      },
      finds: (dir) => [
        [
          STRAY,
          `${formatBytes(directoryBytes(join(dir, STRAY)))}, of no segment; it also holds mine.txt, which is not Chroma's, so clean leaves it`,
        ],
      ],
    },
    {
      ...WARNING,
      title: 'empty',
      fixture: '0.5.0-readd',
      shown: (dir) => mkdirSync(join(dir, STRAY)),
      finds: () => [[STRAY, '0 B, of no segment']],
    },
  ],
  'orphan-segment': [
    {
      ...WARNING,
      fixture: '1.5.9-purge-off',
      shown: (dir) => orphanSegmentRows(dir, 'ledger'),
      finds: rowsOf('segments', `id NOT IN (${LIVE_SEGMENTS})`),
      along: ['orphan-collection-metadata', 'orphan-full-text', 'orphan-metadata', 'orphan-records'],
    },
  ],
  'orphan-records': [left('embeddings', `segment_id NOT IN (${LIVE_SEGMENTS})`)],
  'orphan-metadata': [left('embedding_metadata', `id NOT IN (${LIVE_RECORDS})`)],
  'orphan-array-metadata': [left('embedding_metadata_array', `id NOT IN (${LIVE_RECORDS})`, '1.5.9-purge-on')],
  'orphan-full-text': [
    left('embedding_fulltext_search', `rowid NOT IN (${LIVE_RECORDS})`),
    {
      ...left('embedding_fulltext', `CAST(id AS INTEGER) NOT IN (${LIVE_RECORDS})`, '0.4.3'),
      title: 'before 0.4.6',
    },
  ],
  'orphan-position': [left('max_seq_id', `segment_id NOT IN (${LIVE_SEGMENTS})`)],
  'orphan-collection-metadata': [left('collection_metadata', 'collection_id NOT IN (SELECT id FROM collections)')],
  'orphan-segment-metadata': [left('segment_metadata', `segment_id NOT IN (${LIVE_SEGMENTS})`)],
  'orphan-topic': [
    {
      ...WARNING,
      fixture: '0.5.0-readd',
      shown: (dir) => orphanTopic(dir, 'ledger'),
      finds: (dir) => {
        const sql =
          "embeddings_queue WHERE topic NOT IN (SELECT 'persistent://default/default/' || id FROM collections)";
        const id = withDatabase(dir, (db) =>
          db.prepare<[], string>(`SELECT DISTINCT substr(topic, -36) FROM ${sql}`).pluck().get(),
        );
        return [[id ?? '', new RegExp(`^${count(dir, sql)} WAL rows \\([\\d.]+ KiB\\) of no collection$`)]] as Found[];
      },
      along: [
        'orphan-collection-metadata',
        'orphan-full-text',
        'orphan-metadata',
        'orphan-position',
        'orphan-records',
        'orphan-segment',
        'orphan-segment-dir',
        'orphan-segment-metadata',
      ],
    },
  ],
  'unreachable-collection': [
    {
      ...WARNING,
      fixture: '0.6.3-purge-off',
      shown: (dir) => lostDatabase(dir, 'größe'),
      finds: () => [['-/-/ledger', 'its database is gone from the catalogue, so Chroma cannot show it']],
    },
  ],
  'empty-catalog': [
    {
      ...ERROR,
      fixture: '0.6.3-purge-off',
      shown: emptiedCatalog,
      finds: () => [['chroma.sqlite3', 'it has no collection, but records, directories or WAL rows of some are here']],
      along: ['orphan-topic'],
    },
  ],
  'collection-without-segments': [
    {
      ...ERROR,
      title: 'none',
      fixture: '0.6.3-purge-off',
      shown: (dir) => lostSegments(dir, archivedNotesOf(dir)),
      finds: () => [['archive/notes', 'it has no segments']],
    },
    {
      ...ERROR,
      title: 'one, where nothing else is left behind',
      fixture: '0.5.0-readd',
      shown: (dir) => lostSegments(dir, 'ledger', 'VECTOR'),
      finds: () => [['ledger', 'it has only a metadata segment']],
      along: ['orphan-segment-dir', 'orphan-segment-metadata'],
    },
  ],
  quarantine: [
    {
      ...INFO,
      fixture: RETIRED,
      shown: (dir) => cleaned(dir, '--only', 'dirs'),
      finds: (dir) => {
        const place = join(dir, '.chroma-maint/quarantine');
        const [id = ''] = readdirSync(place);
        return [[id, /^1 directory of deleted collections \([\d.]+ KiB\), put aside by clean$/]];
      },
    },
  ],
  'unfinished-rebuild': [
    {
      ...INFO,
      fixture: '0.5.5',
      shown: (dir) => writeFileSync(`${databaseOf(dir)}.chroma-maint-rebuild`, Buffer.alloc(3 * 1024)),
      finds: () => [['chroma.sqlite3', '3.0 KiB of a vacuum that was cut off, or is running']],
    },
  ],
};
