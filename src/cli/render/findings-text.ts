import stringWidth from 'string-width';
import { isCommand, type Finding } from '../../operations/findings/findings.ts';
import type { Severity } from '../../operations/findings/texts.ts';
import { formatCount } from '../../units.ts';
import { printable } from './printable.ts';
import { unbroken, wrapped } from './table.ts';
import type { View } from './view.ts';

/** Findings of one kind that are written out; of the rest only the number is given. */
const MOST_OF_A_KIND = 3;

/** Severities in words. */
export const LABEL: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };
const LABEL_WIDTH = 9;

/** The findings with a heading, below another section. */
export function findingLines(findings: readonly Finding[], view: View): readonly string[] {
  if (findings.length === 0) return [];
  return [view.style.bold('Findings'), ...groups(findings).flatMap((group) => groupLines(group, view, '  '))];
}

/** The findings alone, an empty line before each group with one remedy. */
export function findingListLines(findings: readonly Finding[], view: View): readonly string[] {
  return groups(findings).flatMap((group) => ['', ...groupLines(group, view, '')]);
}

/** Findings in a row that share severity and remedy: those are said once. */
function groups(findings: readonly Finding[]): readonly (readonly [Finding, ...Finding[]])[] {
  const found: [Finding, ...Finding[]][] = [];
  for (const each of findings) {
    const last = found.at(-1);
    if (last?.[0].severity === each.severity && last[0].remedy === each.remedy) last.push(each);
    else found.push([each]);
  }
  return found;
}

function groupLines(
  group: readonly [Finding, ...Finding[]],
  { width, style }: View,
  indent: string,
): readonly string[] {
  const [{ severity, remedy }] = group;
  const paint = { error: style.bad, warning: style.warn, info: style.dim }[severity];
  const margin = indent + ' '.repeat(LABEL_WIDTH);
  const told =
    tabled(group, width, margin) ??
    kindsIn(group).flatMap((kind) => kindLines(kind, ofKind(group, kind), width, margin));
  const [first = '', ...rest] = told;
  const label = `${indent}${paint(LABEL[severity].padEnd(LABEL_WIDTH - 2))}  `;
  return [label + first.slice(margin.length), ...rest, ...remedyLines(remedy, width, margin)];
}

/** One line for each kind, aligned, where each has one finding and all lines fit; null where not. */
function tabled(group: readonly Finding[], width: number, margin: string): readonly string[] | null {
  const longest = Math.max(...group.map(({ id }) => id.length));
  const lines = group.map(
    ({ id, subject, message }) => `${margin}${id.padEnd(longest)}  ${printable(`${subject}: ${message}`)}`,
  );
  const isTable = kindsIn(group).length === group.length && lines.every((line) => stringWidth(line) <= width);
  return isTable ? lines : null;
}

function ofKind(findings: readonly Finding[], kind: string): readonly Finding[] {
  return findings.filter(({ id }) => id === kind);
}

function kindLines(kind: string, findings: readonly Finding[], width: number, margin: string): readonly string[] {
  const told = findings.slice(0, MOST_OF_A_KIND).map(({ subject, message }) => printable(`${subject}: ${message}`));
  const [only = '', ...others] = told;
  const line = `${margin}${kind}  ${only}`;
  if (others.length === 0 && stringWidth(line) <= width) return [line];
  const rest = findings.length - told.length;
  return [
    margin + kind,
    ...told.flatMap((each) => wrapped(each, width, `${margin}  `)),
    ...(rest > 0 ? [`${margin}  and ${formatCount(rest)} more`] : []),
  ];
}

const NOTHING_TO_DO = 'Nothing needs to be done';

/** A command is never broken: it is to be pasted. */
function remedyLines(remedy: string, width: number, margin: string): readonly string[] {
  const text = isCommand(remedy) ? unbroken([remedy]) : remedy;
  return wrapped(printable(remedy.startsWith(NOTHING_TO_DO) ? text : `do: ${text}`), width, margin);
}

function kindsIn(findings: readonly Finding[]): readonly string[] {
  return [...new Set(findings.map(({ id }) => id))];
}
