import type { MaintError } from '../../errors.ts';
import type { Check } from '../../operations/guards.ts';
import { printable } from './printable.ts';
import { unbroken, wrapped } from './table.ts';
import type { View } from './view.ts';

const LABEL = '  checks   ';

/** Whether the ids of the rows to be deleted are looked up in their index; `not-needed` where no row is deleted. */
export type IndexCheck = 'done' | 'skipped' | 'not-needed';

const INDEX_CHECK: Readonly<Record<IndexCheck, readonly string[]>> = {
  done: ['every id to be dropped is in its index ✓'],
  skipped: ['ids not looked up in their index (--skip-index-check)'],
  'not-needed': [],
};

/** The guards of a plan on one wrapped line, and what would refuse it on lines of its own. */
export function checkLines(
  checks: readonly Check[],
  indexCheck: IndexCheck,
  { width, style }: View,
): readonly string[] {
  const words = [...checks.map(checkWord), ...INDEX_CHECK[indexCheck]];
  const [first = '', ...rest] = wrapped(unbroken(words, '  '), width, ' '.repeat(LABEL.length));
  const refusals = checks.flatMap((check) => (check.status === 'failed' ? refusalLines(check.error, width) : []));
  return [LABEL + first.slice(LABEL.length), ...rest, ...refusals.map(style.bad)];
}

function refusalLines({ exitCode, message, details, hint }: MaintError, width: number): readonly string[] {
  const lines = [`would be refused now (exit ${exitCode}): ${message}`, ...details, `hint: ${hint}`];
  return lines.flatMap((line, at) => wrapped(printable(line), width, at === 0 ? '  ' : '    '));
}

function checkWord(check: Check): string {
  switch (check.status) {
    case 'passed':
      return `${check.title} ✓`;
    case 'failed':
      return `${check.title} ✗`;
    case 'later':
      return `${check.title}: ${check.when}`;
  }
}
