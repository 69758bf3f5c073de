import type { ForgetPlan, ForgetReport } from '../../../operations/backup/forget.ts';
import { counted, formatBytes, formatCount } from '../../../units.ts';
import { printable } from '../printable.ts';
import { tableLines, type Column } from '../table.ts';
import type { View } from '../view.ts';
import { timeText } from './snapshot-text.ts';

type ForgetDecision = ForgetPlan['decisions'][number];

interface DecisionColumn extends Column {
  readonly cell: (decision: ForgetDecision) => string;
}

const DECISION_COLUMNS: readonly DecisionColumn[] = [
  { title: 'Id', align: 'left', cell: ({ snapshot }) => snapshot.id },
  { title: 'Time (UTC)', align: 'left', cell: ({ snapshot }) => timeText(snapshot.time) },
  { title: 'Reasons', align: 'left', fit: 'wrap', cell: ({ reasons }) => reasons.join(', ') },
];
const DECISION_OF: DecisionColumn = {
  title: 'Of',
  align: 'left',
  fit: 'cut',
  cell: ({ snapshot: { snapshot } }) => printable(snapshot.manifest.source.path),
};

export function forgetPlanLines(plan: ForgetPlan, view: View): readonly string[] {
  const { repository, decisions, unreadable, bytes } = plan;
  const kept = decisions.filter(({ reasons }) => reasons.length > 0);
  const going = decisions.filter(({ reasons }) => reasons.length === 0);
  const given = printable(repository.given);
  return [
    view.style.bold(
      `Plan for ${given}: keep ${counted(kept.length, 'snapshot')}, remove ${formatCount(going.length)} (${formatBytes(bytes)})`,
    ),
    ...decisionLines(`keep ${counted(kept.length, 'snapshot')}:`, kept, plan, view),
    ...decisionLines(`remove ${counted(going.length, 'snapshot')}:`, going, plan, view),
    ...unreadable.flatMap(({ id }) => ['', `${id} is kept: its manifest cannot be read, so nothing is known of it`]),
    ...(plan.isDryRun ? ['', 'Dry run: nothing was changed.'] : []),
  ];
}

export function forgetLines({ plan, removed }: ForgetReport, view: View): readonly string[] {
  const kept = plan.decisions.length - removed;
  return [
    view.style.bold(
      removed === 0
        ? `Nothing to remove: ${counted(kept, 'snapshot')} kept.`
        : `Removed ${counted(removed, 'snapshot')}, kept ${formatCount(kept)}; gave back ${formatBytes(plan.bytes)}.`,
    ),
  ];
}

function decisionLines(
  title: string,
  decisions: readonly ForgetDecision[],
  { sources }: Pick<ForgetPlan, 'sources'>,
  view: View,
): readonly string[] {
  if (decisions.length === 0) return [];
  const columns = (sources > 1 ? [...DECISION_COLUMNS, DECISION_OF] : DECISION_COLUMNS).filter(
    // Nothing is said of those that go.
    ({ title: each }) => each !== 'Reasons' || decisions.some(({ reasons }) => reasons.length > 0),
  );
  const rows = decisions.map((decision) => columns.map(({ cell }) => cell(decision)));
  return ['', title, ...tableLines(columns, rows, view.width)];
}
