import {
  FINDING_GROUPS,
  FINDING_TEXTS,
  isCommand,
  textsOf,
  withDirectories,
} from '../../operations/findings/findings.ts';
import type { FindingKind } from '../../operations/findings/kinds.ts';
import type { Severity, Sources, Step } from '../../operations/findings/texts.ts';
import type { ExitCode } from '../../errors.ts';
import { EXIT_CODE_TEXTS, EXIT_CODES, namesOf } from '../exit-codes.ts';
import type { Explained } from '../explained.ts';
import { EXIT_CODE_MEANING } from '../failure.ts';
import { LABEL } from './findings-text.ts';
import type { Style } from './style.ts';
import { tableLines, wrapped, type Column } from './table.ts';
import type { View } from './view.ts';

/** What stands for the directory in commands: a page is about no directory. */
export const EXAMPLE = './persist';

const FORMAT = 'docs/FORMAT.md';
const TRACKER = 'https://github.com/chroma-core/chroma/issues/';
const INDENT = '  ';

/** The page of one thing. */
export function explanationLines(explained: Explained, view: View): readonly string[] {
  return explained.kind === 'finding' ? findingPage(explained.id, view) : exitCodePage(explained.code, view);
}

const KIND_COLUMNS: readonly Column[] = [
  { title: '', align: 'left' },
  { title: '', align: 'left' },
  { title: '', align: 'left', fit: 'wrap' },
];
const CODE_COLUMNS: readonly Column[] = [
  { title: '', align: 'right' },
  { title: '', align: 'left', fit: 'wrap' },
];

/** Everything that there is a page for. */
export function topicLines({ width, style }: View): readonly string[] {
  const table = (
    title: string,
    columns: readonly Column[],
    rows: readonly (readonly string[])[],
  ): readonly string[] => {
    // The columns need no heads.
    const [, ...lines] = tableLines(columns, rows, width);
    return [style.bold(title), ...lines, ''];
  };
  const widest = Math.max(...Object.keys(FINDING_TEXTS).map(({ length }) => length));
  const kindRow = (kind: FindingKind): readonly string[] => {
    const { severity, title } = FINDING_TEXTS[kind];
    return [kind.padEnd(widest), LABEL[severity].padEnd(LABEL.warning.length), title];
  };
  const codes = EXIT_CODES.map((code) => [String(code), EXIT_CODE_MEANING[code] ?? '']);
  return [
    ...FINDING_GROUPS.flatMap(({ title, kinds }) => table(title, KIND_COLUMNS, kinds.map(kindRow))),
    ...table('Exit codes', CODE_COLUMNS, codes),
    `${style.bold('Next:')} chroma-maint explain pickle-unreadable, or a code: chroma-maint explain 12`,
  ];
}

function findingPage(id: FindingKind, { width, style }: View): readonly string[] {
  const { severity, title, means, matters, remedy, steps, sources } = textsOf(id, EXAMPLE);
  const paint = severityStyle(severity, style);
  return [
    `${style.bold(id)}   ${paint(LABEL[severity])}`,
    ...wrapped(title, width),
    ...section('What it means', wrapped(means, width, INDENT), style),
    ...section('Why it matters', wrapped(matters, width, INDENT), style),
    ...section('What to do', stepLines(steps ?? [stepOf(remedy)], width), style),
    ...section('See also', sourceLines(sources, width), style),
  ];
}

function exitCodePage(code: ExitCode, { width, style }: View): readonly string[] {
  const { state, steps, findings = [] } = EXIT_CODE_TEXTS[code];
  const names = namesOf(code).join(', ');
  const others = findings.map((id) => `${INDENT}chroma-maint explain ${id}`);
  return [
    `${style.bold(`exit code ${code}`)}${names === '' ? '' : `   ${names}`}`,
    ...wrapped(`${EXIT_CODE_MEANING[code]}`, width),
    ...section('State of the data', wrapped(state, width, INDENT), style),
    ...section('What to do', stepLines(withDirectories(steps, EXAMPLE), width), style),
    ...section('See also', others, style),
  ];
}

/** A remedy as the only step. */
export function stepOf(remedy: string): Step {
  return isCommand(remedy) ? { text: '', command: remedy } : { text: remedy };
}

function stepLines(steps: readonly Step[], width: number): readonly string[] {
  return steps.flatMap(({ text, command }, at) => {
    const label = steps.length === 1 ? INDENT : `${INDENT}${at + 1}. `;
    const [first, ...rest] = text === '' ? [] : wrapped(text, width, ' '.repeat(label.length));
    const told = first === undefined ? [] : [label + first.slice(label.length), ...rest];
    const commands = command?.split('\n').map((line) => `${' '.repeat(label.length + (text === '' ? 0 : 2))}${line}`);
    return [...told, ...(commands ?? [])];
  });
}

function sourceLines({ format = [], issues = [] }: Sources = {}, width: number): readonly string[] {
  return [
    ...format.flatMap((heading) => wrapped(`${FORMAT}, "${heading}"`, width, INDENT)),
    ...issues.map((issue) => INDENT + issueAddress(issue)),
  ];
}

/** Where a thread of Chroma's tracker is. */
export function issueAddress(issue: string): string {
  return TRACKER + issue.replace('chroma#', '');
}

function section(title: string, lines: readonly string[], style: Style): readonly string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

function severityStyle(severity: Severity, style: Style): (text: string) => string {
  return { error: style.bad, warning: style.warn, info: style.dim }[severity];
}
