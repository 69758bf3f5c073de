/**
 * A case of every kind of finding. A kind that is added without one does not compile.
 */
import type { FindingKind } from '../../../src/operations/findings/kinds.ts';
import type { Case, Cases } from './cases.ts';
import { FULL_TEXT_CASES } from './full-text-cases.ts';
import { INDEX_CASES } from './index-cases.ts';
import { LEFTOVER_CASES } from './leftover-cases.ts';
import { LOG_CASES } from './log-cases.ts';
import { PLACE_CASES } from './place-cases.ts';

const CASES: Cases<FindingKind> = {
  ...PLACE_CASES,
  ...LOG_CASES,
  ...INDEX_CASES,
  ...FULL_TEXT_CASES,
  ...LEFTOVER_CASES,
};

export const TABLE = (Object.entries(CASES) as [FindingKind, readonly Case[]][]).flatMap(([kind, cases]) =>
  cases.map((each) => [kind, each.title === undefined ? '' : ` (${each.title})`, each] as const),
);
