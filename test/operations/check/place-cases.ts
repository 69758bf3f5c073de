import { chmodSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlaceFinding } from '../../../src/operations/findings/place.ts';
import {
  coldJournal,
  damagedPage,
  databaseOf,
  foreignDatabase,
  halfRunMigration,
  hardLinkedDatabase,
  hotJournal,
  pickleOf,
  symlinkedDatabase,
  tornDatabase,
  unknownMigration,
  vectorSegmentOf,
  walMode,
  zeroByteDatabase,
} from '../../support/damage.ts';
import { segmentWithoutId } from '../../support/catalogue-damage.ts';
import { IDLE_CHROMA, NOBODY } from '../../support/holders.ts';
import { withDatabase } from '../../support/state.ts';
import type { Cases } from './cases.ts';

const ERROR = { severity: 'error' } as const;
const WARNING = { severity: 'warning' } as const;
const INFO = { severity: 'info' } as const;
const DATABASE = 'chroma.sqlite3';
const IN_WAL_MODE =
  "it is in SQLite's WAL mode, which Chroma never switches on; it was not opened, because that would create files";

let times = 0;

function savedMeanwhile(path: string): void {
  times += 1;
  utimesSync(path, new Date(), new Date(Date.now() + times * 1000));
}

function writtenMeanwhile(dir: string): void {
  times += 1;
  // Not the same again: SQLite does not write a page that has not changed.
  withDatabase(dir, (db) => db.prepare('UPDATE embeddings_queue SET metadata = ? WHERE seq_id = 1').run(`${times}`));
}

export const PLACE_CASES: Cases<PlaceFinding> = {
  'not-a-persist-dir': [
    {
      ...ERROR,
      title: "another program's database",
      fixture: '0.5.5',
      shown: foreignDatabase,
      finds: () => [[DATABASE, 'the database has none of the tables that every Chroma since 0.4.0 creates']],
      along: [],
    },
    {
      ...ERROR,
      title: 'a database of 0 bytes',
      fixture: '0.5.5',
      shown: zeroByteDatabase,
      finds: (dir) => [[DATABASE, `the database is empty (0 bytes): ${databaseOf(dir)}`]],
      stopsEverything: true,
    },
  ],
  'unknown-migration': [
    {
      ...ERROR,
      fixture: '1.5.9-purge-off',
      shown: unknownMigration,
      finds: () => [[DATABASE, 'the migration sysdb/11 (00099-meaning.sqlite.sql) is not one it knows']],
      stopsEverything: true,
    },
    {
      ...ERROR,
      title: 'a table of Chroma is missing',
      fixture: '1.5.9-purge-off',
      shown: (dir) => withDatabase(dir, (db) => db.exec('DROP TABLE segment_metadata')),
      finds: () => [[DATABASE, 'the table segment_metadata lacks segment_id, key, int_value']],
      stopsEverything: true,
    },
  ],
  'half-run-migration': [
    {
      ...ERROR,
      fixture: '0.6.3-purge-off',
      shown: (dir) => halfRunMigration(dir, 'collections_tmp'),
      finds: () => [[DATABASE, 'the table collections_tmp of an unfinished migration is still there']],
      stopsEverything: true,
    },
    {
      ...ERROR,
      title: 'between two folders',
      fixture: '0.6.3-purge-off',
      shown: (dir) => halfRunMigration(dir, 'combination'),
      finds: () => [[DATABASE, 'no release leaves these migrations: embeddings_queue 2, sysdb 7, metadb 2']],
      stopsEverything: true,
    },
  ],
  'hot-journal': [
    {
      ...ERROR,
      fixture: '0.5.5',
      shown: hotJournal,
      finds: () => [
        [
          `${DATABASE}-journal`,
          'a transaction was cut off; until it is played back the database file alone is not consistent',
        ],
      ],
      stopsEverything: true,
    },
  ],
  'cold-journal': [
    {
      ...INFO,
      fixture: '0.5.5',
      shown: coldJournal,
      finds: () => [[`${DATABASE}-journal`, 'a finished journal is lying beside the database']],
    },
  ],
  'write-ahead-file': [
    {
      ...ERROR,
      title: 'in its header',
      fixture: '0.5.5',
      shown: (dir) => walMode(dir, 'header'),
      finds: () => [[DATABASE, IN_WAL_MODE]],
      stopsEverything: true,
    },
    {
      ...ERROR,
      title: 'with its files',
      fixture: '0.5.5',
      shown: (dir) => walMode(dir, 'files'),
      finds: () => [[DATABASE, IN_WAL_MODE]],
      stopsEverything: true,
    },
    {
      ...ERROR,
      title: 'a stray file',
      fixture: '0.5.5',
      shown: (dir) => writeFileSync(`${databaseOf(dir)}-shm`, ''),
      finds: () => [
        [
          DATABASE,
          "files of SQLite's WAL mode stand beside it (-shm); it was not opened, because that would create files",
        ],
      ],
      stopsEverything: true,
    },
  ],
  'database-damaged': [
    {
      ...ERROR,
      title: 'a page that everything goes through',
      fixture: '0.6.3-purge-off',
      shown: (dir) => damagedPage(dir, 'embeddings_queue'),
      finds: () => [
        [DATABASE, /^(embeddings_queue: )?.*malformed|Tree \d+/],
        [
          DATABASE,
          'not looked at: the collections, their segments and the WAL, because SQLite says: database disk image is malformed',
        ],
      ],
    },
    {
      ...ERROR,
      title: 'a page that one look goes through',
      fixture: '0.6.3-purge-off',
      shown: (dir) => damagedPage(dir, 'collection_metadata'),
      finds: () => [
        [DATABASE, /collection_metadata/],
        [
          DATABASE,
          'not looked at: after how many writes an index is saved; what deleted collections left, because SQLite says: database disk image is malformed',
        ],
      ],
    },
    {
      ...ERROR,
      title: 'cut short',
      fixture: '0.6.3-purge-off',
      shown: tornDatabase,
      finds: (dir) => {
        const { size } = statSync(databaseOf(dir));
        return [[DATABASE, new RegExp(`^the database file is cut short: ${databaseOf(dir)}; it has ${size} bytes, `)]];
      },
      stopsEverything: true,
    },
    {
      ...ERROR,
      title: 'a segment without an id',
      fixture: '0.6.3-purge-off',
      shown: (dir) => segmentWithoutId(dir, 'ledger'),
      finds: () => [
        [
          DATABASE,
          'not looked at: the collections, their segments and the WAL, because the catalogue has 1 segment without an id of text',
        ],
      ],
    },
  ],
  'not-one-regular-file': [
    {
      ...WARNING,
      title: 'a link',
      fixture: '0.5.5',
      shown: symlinkedDatabase,
      finds: (dir) => [[DATABASE, `it is a symbolic link to ${join(dir, '../elsewhere.sqlite3')}`]],
    },
    {
      ...WARNING,
      title: 'two names',
      fixture: '0.5.5',
      shown: hardLinkedDatabase,
      finds: () => [[DATABASE, 'it has 2 names (hard links)']],
    },
  ],
  'foreign-owner': [
    {
      ...WARNING,
      title: 'files that Chroma may not write',
      fixture: '0.5.5',
      shown: (dir) => {
        chmodSync(pickleOf(dir, 'notes'), 0o444);
        chmodSync(join(dir, vectorSegmentOf(dir, 'notes'), 'header.bin'), 0o400);
      },
      finds: (dir) => [[dir, `${vectorSegmentOf(dir, 'notes')}/header.bin and 1 more: not to be written by its owner`]],
    },
    {
      ...WARNING,
      title: 'a database elsewhere',
      fixture: '0.5.5',
      shown: (dir) => chmodSync(symlinkedDatabase(dir), 0o444),
      finds: (dir) => [[dir, `${join(dir, '../elsewhere.sqlite3')}: not to be written by its owner`]],
      along: ['not-one-regular-file'],
    },
  ],
  'network-file-system': [
    {
      ...WARNING,
      fixture: '0.5.5',
      machine: () => ({ fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) }),
      finds: (dir) => [[dir, 'it is on a network file system (nfs)']],
    },
  ],
  'in-use': [
    {
      ...INFO,
      fixture: '0.5.5',
      machine: () => ({ holdersOf: () => IDLE_CHROMA }),
      finds: () => [['pid 1', 'chroma run']],
    },
  ],
  'processes-not-readable': [
    {
      ...INFO,
      fixture: '0.5.5',
      machine: () => ({ holdersOf: () => ({ ...NOBODY, unreadable: 12 }) }),
      finds: (dir) => [
        [dir, '12 processes of other users could not be looked into; make sure that none of them is Chroma'],
      ],
    },
    {
      ...INFO,
      title: 'on a system without /proc',
      fixture: '0.5.5',
      machine: () => ({ holdersOf: () => ({ ...NOBODY, isSupported: false }) }),
      finds: (dir) => [
        [dir, 'this system does not show which process has a file open; make sure that Chroma is stopped'],
      ],
    },
  ],
  'low-space': [
    {
      ...WARNING,
      title: 'for anything',
      fixture: '0.5.5',
      machine: () => ({ freeBytes: () => Promise.resolve(1000) }),
      finds: (dir) => [
        ['prune', new RegExp(`^it needs [\\d.]+ [KM]iB in ${dir} \\(has 1000 B\\) for`)],
        ['vacuum', new RegExp(`^it needs [\\d.]+ [KM]iB in ${dir} \\(has 1000 B\\) for`)],
      ],
    },
    {
      ...WARNING,
      title: 'for a vacuum alone',
      fixture: '0.5.5',
      machine: () => ({ freeBytes: () => Promise.resolve(600 * 1024) }),
      finds: (dir) => [['vacuum', new RegExp(`^it needs [\\d.]+ [KM]iB in ${dir} \\(has 600.0 KiB\\) for`)]],
    },
    {
      ...WARNING,
      title: 'where nobody can tell',
      fixture: '0.5.5',
      machine: () => ({ freeBytes: () => Promise.reject(new Error('spawn df ENOENT')) }),
      finds: (dir) => [[dir, 'how much is free could not be found out: spawn df ENOENT']],
    },
  ],
  'changed-meanwhile': [
    {
      ...INFO,
      title: 'rows',
      fixture: '0.5.5',
      machine: () => ({ holdersOf: () => IDLE_CHROMA }),
      meanwhile: (dir, stage) => stage === 'examining' && writtenMeanwhile(dir),
      finds: () => [[DATABASE, 'somebody wrote each time it was read; told is what was found each time']],
      along: ['in-use'],
    },
    {
      ...INFO,
      title: 'an index that is being saved',
      fixture: '0.5.5',
      machine: () => ({ holdersOf: () => IDLE_CHROMA }),
      meanwhile: (dir, stage) => stage === 'examining' && savedMeanwhile(pickleOf(dir, 'notes')),
      finds: () => [[DATABASE, 'somebody wrote each time it was read; told is what was found each time']],
      along: ['in-use'],
    },
  ],
};
