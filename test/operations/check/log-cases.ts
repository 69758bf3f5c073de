import type { LogFinding } from '../../../src/operations/findings/log.ts';
import {
  autoPurge,
  distributedSegment,
  lostWalRows,
  unknownOperations,
  waitingRows,
  withoutCollection,
} from '../../support/catalogue-damage.ts';
import {
  blobWatermark,
  collectionIdOf,
  emptiedQueue,
  missingPosition,
  negativeWatermark,
  nullWatermark,
  pickleWithoutMaxSeqId,
  POISON,
  poisonedWatermark,
  recordedAs,
  secondTopicPrefix,
  vectorAheadOfMetadata,
} from '../../support/damage.ts';
import { withDatabase } from '../../support/state.ts';
import type { Case, Cases, Found } from './cases.ts';

const ERROR = { severity: 'error' } as const;
const WARNING = { severity: 'warning' } as const;
const INFO = { severity: 'info' } as const;
const DATABASE = 'chroma.sqlite3';
const LEDGER = 'büro-süd/größe/ledger';

function walRowsOf(dir: string, collection: string): bigint {
  const id = collectionIdOf(dir, collection);
  return withDatabase(dir, (db) =>
    db.prepare<[string], bigint>("SELECT COUNT(*) FROM embeddings_queue WHERE topic LIKE '%/' || ?").pluck().get(id),
  ) as bigint;
}

function blobs(...names: readonly string[]): readonly Found[] {
  return names.map((name) => [name, 'a recorded position is stored as BLOB although the schema says INTEGER']);
}

function poisoned(fixture: string, storedAs: 'INTEGER' | 'BLOB'): Case {
  return {
    ...ERROR,
    title: `as ${storedAs}`,
    fixture,
    shown: (dir) => poisonedWatermark(dir, 'ledger', storedAs),
    finds: () => [
      [
        LEDGER,
        `the recorded position of its metadata, ${POISON}, is what the upgrade to Chroma 1.0 makes of 1150 stored as INTEGER`,
      ],
    ],
    along: ['watermark-ahead-of-queue'],
  };
}

function invalid(title: string, shown: (dir: string) => unknown, what: string, fixture = '1.5.9-purge-off'): Case {
  return { ...ERROR, title, fixture, shown, finds: () => [[LEDGER, what]] };
}

export const LOG_CASES: Cases<LogFinding> = {
  'watermark-ahead-of-queue': [
    {
      ...ERROR,
      title: 'an emptied WAL',
      fixture: '0.5.5',
      shown: emptiedQueue,
      finds: () =>
        ['archive/notes', 'archive/notes', 'notes', 'notes', LEDGER, LEDGER, 'drafts'].map((name) => [
          name,
          /^recorded up to \d+, but the WAL ends at 0: Chroma drops new writes numbered below it$/,
        ]),
      along: ['records-without-vector', 'vectors-without-record'],
    },
    {
      ...ERROR,
      title: 'by one',
      fixture: '0.5.5',
      shown: (dir) => {
        withDatabase(dir, (db) => db.exec('DELETE FROM embeddings_queue WHERE seq_id > 825'));
      },
      finds: () => [
        ['archive/notes', 'recorded up to 826, but the WAL ends at 825: Chroma drops new writes numbered below it'],
        ['archive/notes', 'recorded up to 826, but the WAL ends at 825: Chroma drops new writes numbered below it'],
      ],
    },
  ],
  'watermark-poisoned': [poisoned('1.5.9-purge-off', 'INTEGER'), poisoned('0.6.3-purge-off', 'BLOB')],
  'watermark-invalid': [
    invalid('NULL', (dir) => nullWatermark(dir, 'ledger'), 'the recorded position of its metadata is NULL'),
    invalid(
      'negative',
      (dir) => negativeWatermark(dir, 'ledger'),
      'the recorded position of its metadata is the value -1',
    ),
    invalid('0', (dir) => recordedAs(dir, 'ledger', 'VECTOR', 0n), 'the recorded position of its index is the value 0'),
    invalid(
      'text',
      (dir) => recordedAs(dir, 'ledger', 'VECTOR', 'abc'),
      'the recorded position of its index is a TEXT',
    ),
    invalid(
      'an index that was saved, but not how far',
      (dir) => pickleWithoutMaxSeqId(dir, 'ledger'),
      'its index was saved, but not how far: the trace of a crash while it was being saved',
      '0.5.5',
    ),
  ],
  'blob-watermark': [
    {
      ...WARNING,
      fixture: '1.5.9-purge-off',
      shown: blobWatermark,
      finds: () => blobs(LEDGER, 'archive/notes', 'drafts', 'notes'),
    },
    {
      ...WARNING,
      title: 'written by Chroma itself',
      fixture: 'chain-0.6.3-1.5.9-0.6.3',
      cleanFixture: '0.6.3-purge-off',
      finds: () => blobs(LEDGER, 'archive/notes', 'notes'),
    },
  ],
  'vector-ahead-of-metadata': [
    {
      ...ERROR,
      fixture: '0.5.5',
      shown: (dir) => vectorAheadOfMetadata(dir, 'ledger'),
      finds: () => [[LEDGER, 'its index claims to be at 470 while its metadata stands at 1: the trace of a crash']],
    },
    {
      ...ERROR,
      title: 'where the metadata has no position at all',
      fixture: '1.5.9-purge-off',
      shown: (dir) => missingPosition(dir, 'ledger', 'METADATA'),
      finds: () => [
        [LEDGER, 'its index claims to be at 470 while its metadata has saved nothing: the trace of a crash'],
      ],
    },
  ],
  'watermark-stuck': [
    {
      ...WARNING,
      title: 'of a collection with a threshold of its own, before every row counted',
      fixture: '0.4.24',
      shown: (dir) => waitingRows(dir, 'notes', 119, 0),
      clean: (dir) => {
        waitingRows(dir, 'notes', 118, 0);
        waitingRows(dir, 'notes', 3000, 2);
      },
      finds: () => [['notes', '150 new records wait to be saved with its index, which Chroma does every 50 writes']],
    },
    {
      ...WARNING,
      title: 'that was never saved',
      fixture: '1.5.9-purge-off',
      shown: (dir) => waitingRows(dir, 'drafts', 2960, 2),
      clean: (dir) => waitingRows(dir, 'drafts', 2959, 2),
      finds: () => [['drafts', '3,000 WAL rows wait to be saved with its index, which Chroma does every 1,000 writes']],
    },
  ],
  'anchor-missing': [
    {
      ...WARNING,
      fixture: '0.6.3-purge-off',
      shown: (dir) => lostWalRows(dir, 'ledger'),
      finds: () => [[LEDGER, 'no WAL row of its own keeps its numbering from being re-used']],
      along: ['records-without-vector'],
    },
    {
      ...WARNING,
      title: 'left by Chroma itself',
      fixture: '0.5.7-purge-on',
      cleanFixture: '0.5.7-purge-off',
      finds: () => [
        [LEDGER, 'no WAL row of its own keeps its numbering from being re-used'],
        ['archive/notes', 'no WAL row of its own keeps its numbering from being re-used'],
      ],
    },
  ],
  'never-persisted': [
    {
      ...INFO,
      fixture: '0.6.3-purge-off',
      clean: (dir) => withoutCollection(dir, 'drafts'),
      finds: (dir) => [['drafts', `${walRowsOf(dir, 'drafts')} rows exist only in the WAL: its index was never saved`]],
    },
  ],
  'auto-purge-off': [
    {
      ...WARNING,
      fixture: '0.6.3-purge-on',
      shown: (dir) => autoPurge(dir, false),
      // The remedy names a version that only the operator knows.
      finds: () => [
        [
          DATABASE,
          'Chroma deletes nothing from its WAL here; it will grow again after a prune. VERSION is the Chroma that opens it from now on, 0.5.13 or later',
        ],
      ],
    },
    {
      ...WARNING,
      title: 'of a directory that was upgraded',
      fixture: 'chain-0.5.5-1.5.9',
      clean: (dir) => autoPurge(dir, true),
      finds: () => [[DATABASE, 'Chroma deletes nothing from its WAL here; it will grow again after a prune']],
    },
  ],
  'auto-purge-not-available': [
    {
      ...INFO,
      fixture: '0.5.5',
      cleanFixture: 'chain-0.5.5-0.6.3',
      finds: () => [[DATABASE, 'Chroma before 0.5.6 never deletes from its WAL']],
    },
  ],
  'cross-topic-purge': [
    {
      ...INFO,
      fixture: '0.6.3-purge-off',
      cleanFixture: 'chain-0.6.3-1.5.9-0.6.3',
      finds: () => [[DATABASE, 'Chroma 0.5.6 to 0.5.12, which may have written it, purged rows of other collections']],
      only: 'not deep',
    },
  ],
  'ambiguous-topic': [
    {
      ...ERROR,
      title: 'two prefixes',
      fixture: '0.5.5',
      shown: (dir) => secondTopicPrefix(dir, 'ledger'),
      finds: () => [[LEDGER, 'its rows stand under 2 topics, and Chroma reads only one of them']],
    },
    {
      ...ERROR,
      title: 'two owners',
      fixture: '0.4.24',
      shown: (dir) =>
        withDatabase(dir, (db) =>
          db.exec(`
            UPDATE collections SET topic = (SELECT topic FROM collections WHERE name = 'ledger') WHERE name = 'drafts'`),
        ),
      finds: () => [[LEDGER, 'another collection claims the same topic, so its rows cannot be told apart']],
    },
  ],
  'unknown-operation': [
    {
      ...WARNING,
      fixture: '1.5.9-purge-off',
      shown: (dir) => unknownOperations(dir, 'ledger', 2),
      finds: () => [[LEDGER, '2 WAL rows have an operation that is none of add, update, upsert and delete']],
    },
  ],
  'unknown-segment-type': [
    {
      ...ERROR,
      fixture: '0.5.5',
      shown: (dir) => distributedSegment(dir, 'ledger'),
      finds: () => [[LEDGER, 'it has a segment of type urn:chroma:segment/vector/hnsw-distributed']],
    },
  ],
  'vectors-missing-from-index': [
    {
      ...ERROR,
      fixture: '0.5.0-readd',
      cleanFixture: '0.5.0',
      finds: () => [['notes', '2 records that its index should hold are not there; the WAL may be the only copy']],
    },
  ],
};
