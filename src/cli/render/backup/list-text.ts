import type { BackupList, ListedSnapshot } from '../../../operations/backup/list.ts';
import { totalsOf } from '../../../operations/backup/totals.ts';
import { counted, formatBytes, formatCount } from '../../../units.ts';
import { printable } from '../printable.ts';
import { tableLines, wrapped, type Column } from '../table.ts';
import type { View } from '../view.ts';
import { minuteText, verificationText } from './snapshot-text.ts';

interface SnapshotColumn extends Column {
  readonly cell: (listed: ListedSnapshot) => string;
  /** Terminals narrower than this do without it. */
  readonly from?: number;
}

const SNAPSHOT_COLUMNS: readonly SnapshotColumn[] = [
  { title: 'Id', align: 'left', cell: ({ snapshot }) => snapshot.id },
  { title: 'Time (UTC)', align: 'left', cell: ({ snapshot }) => minuteText(snapshot.manifest.time) },
  { title: 'Size', align: 'right', cell: ({ snapshot }) => formatBytes(totalsOf(snapshot).bytes) },
  { title: 'New', align: 'right', cell: ({ newBytes }) => formatBytes(newBytes) },
  {
    title: 'Collections',
    align: 'right',
    cell: ({ snapshot }) => formatCount(snapshot.manifest.contents.collections.length),
  },
  { title: 'Records', align: 'right', from: 100, cell: ({ snapshot }) => formatCount(totalsOf(snapshot).records) },
  { title: 'Verified', align: 'left', cell: ({ snapshot }) => verificationText(snapshot.verification) },
];

const SOURCE_COLUMN: SnapshotColumn = {
  title: 'Of',
  align: 'left',
  fit: 'cut',
  cell: ({ snapshot }) => printable(snapshot.manifest.source.path),
};

export function listLines({ repository, snapshots, unreadable }: BackupList, view: View): readonly string[] {
  const given = printable(repository.given);
  const sources = new Set(snapshots.map(({ snapshot }) => snapshot.manifest.source.path));
  const [source = ''] = sources;
  const of = sources.size === 1 ? ` of ${printable(source)}` : ` of ${formatCount(sources.size)} directories`;
  const bytes = snapshots.reduce((sum, { newBytes }) => sum + newBytes, 0);
  const head = `${given}   ${counted(snapshots.length, 'snapshot')}${snapshots.length === 0 ? '' : of} · ${formatBytes(bytes)}`;
  const columns = (sources.size > 1 ? [...SNAPSHOT_COLUMNS, SOURCE_COLUMN] : SNAPSHOT_COLUMNS).filter(
    ({ from = 0 }) => view.width >= from,
  );
  const rows = snapshots.map((listed) => columns.map(({ cell }) => cell(listed)));
  return [
    ...wrapped(head, view.width).map(view.style.bold),
    ...(rows.length === 0 ? [] : ['', ...tableLines(columns, rows, view.width)]),
    ...unreadable.flatMap(({ id, because }) => [
      '',
      ...wrapped(`${id}: ${[because.message, ...because.details].join('; ')}`, view.width).map(view.style.bad),
    ]),
  ];
}
