import type { Finding } from '../../operations/findings/findings.ts';
import type { Severity } from '../../operations/findings/kinds.ts';
import { formatCount } from '../../units.ts';
import { printable } from './printable.ts';
import { unbroken, wrapped } from './table.ts';
import type { View } from './view.ts';

/** Findings of one kind that are written out; of the rest only the number is given. */
const MOST_OF_A_KIND = 3;

const LABEL: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

export function findingLines(findings: readonly Finding[], view: View): readonly string[] {
  if (findings.length === 0) return [];
  const kinds = [...new Set(findings.map(({ id }) => id))];
  const lines = kinds.flatMap((kind) =>
    kindLines(
      findings.filter(({ id }) => id === kind),
      view,
    ),
  );
  return [view.style.bold('Findings'), ...lines];
}

/** All findings share their kind, hence severity and remedy: those are said once. */
function kindLines(findings: readonly Finding[], { width, style }: View): readonly string[] {
  const [first] = findings;
  if (first === undefined) return [];
  const { id, severity, remedy } = first;
  const paint = { error: style.bad, warning: style.warn, info: style.dim }[severity];
  const told = findings
    .slice(0, MOST_OF_A_KIND)
    .flatMap(({ subject, message }) => wrapped(printable(`${subject}: ${message}`), width, '           '));
  const rest = findings.length - MOST_OF_A_KIND;
  const more = rest > 0 ? [`           and ${formatCount(rest)} more`] : [];
  return [
    `  ${paint(LABEL[severity].padEnd(7))}  ${id}`,
    ...told,
    ...more,
    ...wrapped(printable(`do: ${isCommand(remedy) ? unbroken([remedy]) : remedy}`), width, '           '),
  ];
}

/** A remedy that is a command stays on one line, so that it can be pasted. */
function isCommand(remedy: string): boolean {
  return remedy.startsWith('chroma-maint ');
}
