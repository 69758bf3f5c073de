import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { IndexFinding } from '../../../src/operations/findings/index-files.ts';
import { formatBytes } from '../../../src/units.ts';
import { archivedNotesOf, lostRecords, lostWalRows } from '../../support/catalogue-damage.ts';
import {
  damagedIndexFiles,
  emptyPickle,
  garbagePickle,
  missingPickle,
  truncatedPickle,
  vectorSegmentOf,
} from '../../support/damage.ts';
import {
  fileForSegmentDir,
  headerOf,
  indexDirOf,
  lostSegmentDir,
  resizedIndex,
  runawayLinkLists,
} from '../../support/index-damage.ts';
import type { Case, Cases } from './cases.ts';

const ERROR = { severity: 'error' } as const;
const WARNING = { severity: 'warning' } as const;
const INFO = { severity: 'info' } as const;
const LEDGER = 'büro-süd/größe/ledger';

function allocated(path: string): string {
  return formatBytes(statSync(path).blocks * 512);
}

/** Counted by the fixture's description: ledger has 110 records less 5 that were deleted after its last save. */
const WHOLE_WAL = '0.6.3-purge-off';

function unreadable(title: string, shown: (dir: string) => unknown, message: RegExp): Case {
  return { ...ERROR, title, fixture: WHOLE_WAL, shown, finds: () => [[LEDGER, message]], along: ['index-rebuildable'] };
}

export const INDEX_CASES: Cases<IndexFinding> = {
  'pickle-missing': [
    {
      ...ERROR,
      fixture: WHOLE_WAL,
      shown: (dir) => missingPickle(dir, 'ledger'),
      finds: () => [[LEDGER, 'its index file index_metadata.pickle is missing, though the index was saved up to 470']],
      along: ['index-rebuildable'],
    },
  ],
  'pickle-unreadable': [
    unreadable('empty', (dir) => emptyPickle(dir, 'ledger'), /is not usable: it is empty \(0 bytes\)$/),
    unreadable(
      'cut short',
      (dir) => truncatedPickle(dir, 'ledger'),
      /is not usable: it is cut short \(\d+ bytes, no end mark\)$/,
    ),
    unreadable('garbage', (dir) => garbagePickle(dir, 'ledger'), /is not usable: it cannot be parsed: /),
    unreadable('no directory', (dir) => fileForSegmentDir(dir, 'ledger'), /is not usable: ENOTDIR/),
  ],
  'segment-dir-missing': [
    {
      ...ERROR,
      fixture: WHOLE_WAL,
      shown: (dir) => lostSegmentDir(dir, 'ledger'),
      finds: (dir) => [
        [
          LEDGER,
          `the directory ${vectorSegmentOf(dir, 'ledger')} of its index is gone, and with it every vector that the WAL no longer holds`,
        ],
      ],
      along: ['index-rebuildable'],
    },
  ],
  'index-files-damaged': [
    {
      ...ERROR,
      title: 'no header.bin',
      fixture: WHOLE_WAL,
      shown: (dir) => damagedIndexFiles(dir, 'ledger', 'no header.bin'),
      finds: () => [
        [LEDGER, 'its index files are not whole: header.bin is missing, though the index counts 100 records'],
      ],
      along: ['index-rebuildable'],
    },
    {
      ...ERROR,
      title: 'short data',
      fixture: '1.5.9-purge-on',
      shown: (dir) => damagedIndexFiles(dir, 'ledger', 'short data'),
      finds: (dir) => {
        const { elements, elementBytes } = headerOf(dir, 'ledger');
        return [
          [
            LEDGER,
            `its index files are not whole: data_level0.bin has 100 bytes, ${elements} elements need ${elements * elementBytes}`,
          ],
        ];
      },
      along: ['index-not-rebuildable'],
    },
    {
      ...ERROR,
      title: 'fewer elements than ids',
      fixture: WHOLE_WAL,
      shown: (dir) => resizedIndex(dir, 'ledger', { elements: 99, capacity: 1000 }),
      finds: () => [[LEDGER, 'its index files are not whole: header.bin counts 99 elements, the index 100 records']],
      along: ['index-rebuildable'],
    },
  ],
  'index-count-differs': [
    {
      ...WARNING,
      fixture: WHOLE_WAL,
      shown: (dir) => lostRecords(dir, archivedNotesOf(dir), 3),
      finds: () => [['archive/notes', 'the index lists 250 vectors, the metadata 247 records, and both stand at 826']],
      along: ['vectors-without-record'],
      only: 'not deep',
    },
  ],
  'deleted-elements': [
    {
      ...WARNING,
      fixture: WHOLE_WAL,
      shown: (dir) => resizedIndex(dir, archivedNotesOf(dir), { elements: 358, capacity: 1000 }),
      clean: (dir) => resizedIndex(dir, archivedNotesOf(dir), { elements: 357, capacity: 1000 }),
      finds: (dir) => {
        const { elementBytes } = headerOf(dir, archivedNotesOf(dir));
        return [
          [
            'archive/notes',
            `108 of 358 elements (30 %, ${formatBytes(108 * elementBytes)}) are deleted, and every query still walks over them`,
          ],
        ];
      },
    },
    {
      ...WARNING,
      title: 'from a hundred on',
      fixture: WHOLE_WAL,
      shown: (dir) => resizedIndex(dir, 'ledger', { elements: 200, capacity: 1000 }),
      clean: (dir) => resizedIndex(dir, 'ledger', { elements: 199, capacity: 1000 }),
      finds: (dir) => {
        const { elementBytes } = headerOf(dir, 'ledger');
        return [
          [
            LEDGER,
            `100 of 200 elements (50 %, ${formatBytes(100 * elementBytes)}) are deleted, and every query still walks over them`,
          ],
        ];
      },
    },
  ],
  'unused-capacity': [
    {
      ...INFO,
      title: 'as Chroma 1.0 makes every index',
      fixture: '1.0.12-purge-off',
      cleanFixture: '0.6.3-purge-off',
      finds: () =>
        [LEDGER, 'archive/notes', 'drafts', 'notes'].map((name) => [
          name,
          /^room for 10,000 vectors and \d+ in it: data_level0.bin has 1\.[56] MiB, 1\.[56] MiB on disk$/,
        ]),
    },
    {
      ...INFO,
      title: 'that takes no space on disk',
      fixture: WHOLE_WAL,
      shown: (dir) => resizedIndex(dir, 'ledger', { elements: 100, capacity: 100_000 }),
      finds: (dir) => {
        const data = join(indexDirOf(dir, 'ledger'), 'data_level0.bin');
        return [
          [
            LEDGER,
            `room for 100,000 vectors and 100 in it: data_level0.bin has ${formatBytes(statSync(data).size)}, ${allocated(data)} on disk`,
          ],
        ];
      },
    },
  ],
  'runaway-link-lists': [
    {
      ...ERROR,
      fixture: WHOLE_WAL,
      shown: (dir) => runawayLinkLists(dir, 'ledger', 3 * 1024 ** 4),
      finds: (dir) => {
        const [links, data] = ['link_lists.bin', 'data_level0.bin'].map((name) =>
          join(indexDirOf(dir, 'ledger'), name),
        );
        return [
          [
            LEDGER,
            `link_lists.bin has 3.00 TiB, ${allocated(links ?? '')} on disk, beside ${formatBytes(statSync(data ?? '').size)} of vectors`,
          ],
        ];
      },
    },
  ],
  'records-without-vector': [
    {
      ...ERROR,
      title: 'never saved, and gone from the WAL',
      fixture: WHOLE_WAL,
      shown: (dir) => lostWalRows(dir, 'drafts'),
      finds: () => [
        [
          'drafts',
          '40 records have a vector neither in the index nor in the WAL: draft-0000, draft-0001, draft-0002, draft-0003, draft-0004 and 35 more',
        ],
      ],
      only: 'deep',
    },
    {
      ...ERROR,
      title: 'left by Chroma itself',
      fixture: '0.5.7-purge-on',
      cleanFixture: '0.5.7-purge-off',
      finds: () => [
        [LEDGER, /^5 records have .*: entry-0105, entry-0106, entry-0107, entry-0108, entry-0109$/],
        ['archive/notes', /^30 records have .*: old-0200, .* and 25 more$/],
        ['drafts', /^40 records have .*: draft-0000, .* and 35 more$/],
      ],
      only: 'deep',
    },
  ],
  'vectors-without-record': [
    {
      ...WARNING,
      title: 'one',
      fixture: WHOLE_WAL,
      shown: (dir) => lostRecords(dir, archivedNotesOf(dir), 1),
      finds: () => [['archive/notes', '1 vector of the index has no record: old-0249']],
      along: ['index-count-differs'],
      only: 'deep',
    },
    {
      ...WARNING,
      title: 'several',
      fixture: WHOLE_WAL,
      shown: (dir) => lostRecords(dir, archivedNotesOf(dir), 6),
      finds: () => [
        [
          'archive/notes',
          /^6 vectors of the index have no record: old-02\d\d, old-02\d\d, old-02\d\d, old-02\d\d, old-02\d\d and 1 more$/,
        ],
      ],
      along: ['index-count-differs'],
      only: 'deep',
    },
  ],
  'index-rebuildable': [
    {
      ...INFO,
      fixture: WHOLE_WAL,
      shown: (dir) => missingPickle(dir, 'ledger'),
      finds: () => [[LEDGER, 'the WAL holds the vectors of 105 of 105 records']],
      along: ['pickle-missing'],
    },
    {
      ...INFO,
      title: 'that nobody needs',
      fixture: WHOLE_WAL,
      shown: (dir) => {
        lostRecords(dir, archivedNotesOf(dir), 250);
        missingPickle(dir, archivedNotesOf(dir));
      },
      finds: () => [['archive/notes', 'it has no record that could miss its vector']],
      along: ['pickle-missing'],
    },
  ],
  'index-not-rebuildable': [
    {
      ...ERROR,
      fixture: '0.6.3-purge-on',
      shown: (dir) => missingPickle(dir, 'ledger'),
      finds: () => [
        [
          LEDGER,
          /^the WAL holds the vectors of \d+ of 105 records; not of entry-0000, entry-0001, entry-0002, entry-0003, entry-0004 and \d+ more$/,
        ],
      ],
      along: ['pickle-missing'],
    },
  ],
};
