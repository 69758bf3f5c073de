/**
 * What `explain` can explain: findings by their id, exit codes by number and by name.
 */
import type { ExitCode } from '../errors.ts';
import { FINDING_GROUPS } from '../operations/findings/findings.ts';
import type { FindingKind } from '../operations/findings/kinds.ts';
import { EXIT_CODES, namesOf } from './exit-codes.ts';

export type Explained =
  | { readonly kind: 'finding'; readonly id: FindingKind }
  | { readonly kind: 'exit-code'; readonly code: ExitCode };

const MOST_SUGGESTED = 5;
/** So much of the beginning of a word must be right for it to be recognised. */
const STEM = 4;

const KINDS: readonly FindingKind[] = FINDING_GROUPS.flatMap(({ kinds }) => kinds);

/** What `word` names, upper or lower case; undefined where there is no such thing. */
export function explainedBy(word: string): Explained | undefined {
  const id = KINDS.find((kind) => kind === word.toLowerCase());
  if (id !== undefined) return { kind: 'finding', id };
  const code = EXIT_CODES.find((each) => String(each) === word || namesOf(each).includes(word.toUpperCase()));
  return code === undefined ? undefined : { kind: 'exit-code', code };
}

/** Names that have a word of `word` in them, or one that begins alike: those with the most such words. */
export function suggestionsFor(word: string): readonly string[] {
  const stems = word
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(({ length }) => length >= STEM - 1)
    .map((part) => part.slice(0, STEM));
  const names = [...KINDS, ...EXIT_CODES.flatMap(namesOf)].map((name) => {
    const parts = name.toLowerCase().split(/[-_]/);
    return { name, shared: stems.filter((stem) => parts.some((part) => part.startsWith(stem))).length };
  });
  const most = Math.max(...names.map(({ shared }) => shared));
  if (most === 0) return [];
  return names
    .filter(({ shared }) => shared === most)
    .map(({ name }) => name)
    .slice(0, MOST_SUGGESTED);
}
