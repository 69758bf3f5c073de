/**
 * What was found in a directory, and how it is presented.
 */
import { shellWord } from '../../shell-word.ts';
import { FULL_TEXT_TEXTS } from './full-text.ts';
import { INDEX_TEXTS } from './index-files.ts';
import type { FindingKind, FindingTexts, Severity } from './kinds.ts';
import { LEFTOVER_TEXTS } from './leftovers.ts';
import { LOG_TEXTS } from './log.ts';
import { PLACE_TEXTS } from './place.ts';

export interface Finding {
  readonly id: FindingKind;
  readonly severity: Severity;
  /** What it is about: a collection, a directory, a topic, the database. */
  readonly subject: string;
  /** What is the case, here, with its numbers. */
  readonly message: string;
  /** What to do about it: a command, or one sentence. */
  readonly remedy: string;
}

/** The texts of every kind. A kind without them does not compile. */
const FINDING_TEXTS: FindingTexts<FindingKind> = {
  ...PLACE_TEXTS,
  ...LOG_TEXTS,
  ...INDEX_TEXTS,
  ...FULL_TEXT_TEXTS,
  ...LEFTOVER_TEXTS,
};

/** A finding as the code that finds it says it: `{dir}` in its remedy is still to be filled in. */
export function finding(id: FindingKind, subject: string, message: string): Finding {
  const { severity, remedy } = FINDING_TEXTS[id];
  return { id, severity, subject, message, remedy };
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/**
 * The findings as they are shown: most severe first, otherwise as found, and with `given`, the directory as the
 * operator named it, in every remedy.
 */
export function presented(found: readonly Finding[], given: string): readonly Finding[] {
  return found
    .toSorted((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
    .map((each) => ({ ...each, remedy: withDirectory(each.remedy, given) }));
}

/** `text` with the directory `given` in the place of `{dir}`, as one word of a shell. */
function withDirectory(text: string, given: string): string {
  // A function, because a replacement text would give "$" in a name a meaning.
  return text.replaceAll('{dir}', () => shellWord(given));
}
