/**
 * What was found in a directory, and how it is presented.
 */
import { shellWord } from '../../shell-word.ts';
import { FULL_TEXT_TEXTS } from './full-text.ts';
import { INDEX_TEXTS } from './index-files.ts';
import type { FindingKind } from './kinds.ts';
import type { FindingText, FindingTexts, Severity, Step } from './texts.ts';
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
export const FINDING_TEXTS: FindingTexts<FindingKind> = {
  ...PLACE_TEXTS,
  ...LOG_TEXTS,
  ...INDEX_TEXTS,
  ...FULL_TEXT_TEXTS,
  ...LEFTOVER_TEXTS,
};

/** Kinds that are listed together. */
export interface FindingGroup {
  readonly title: string;
  readonly kinds: readonly FindingKind[];
}

/** Every kind in one group, in the order in which they are listed. */
export const FINDING_GROUPS: readonly FindingGroup[] = [
  { title: 'The directory and its database as files', kinds: kindsOf(PLACE_TEXTS) },
  { title: 'The WAL, and how far it is saved', kinds: kindsOf(LOG_TEXTS) },
  { title: 'Index files', kinds: kindsOf(INDEX_TEXTS) },
  { title: 'The full-text index', kinds: kindsOf(FULL_TEXT_TEXTS) },
  { title: 'What was left behind', kinds: kindsOf(LEFTOVER_TEXTS) },
];

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

/** The texts of `kind` with the directory `given` in the commands. */
export function textsOf(kind: FindingKind, given: string): FindingText {
  const text = FINDING_TEXTS[kind];
  const remedy = withDirectory(text.remedy, given);
  return text.steps === undefined
    ? { ...text, remedy }
    : { ...text, remedy, steps: withDirectories(text.steps, given) };
}

/** True where a remedy is a command, and no sentence. */
export function isCommand(remedy: string): boolean {
  return remedy.startsWith('chroma-maint ');
}

/** `steps` with the directory `given` in the commands. */
export function withDirectories(steps: readonly Step[], given: string): readonly Step[] {
  return steps.map(({ text, command }) =>
    command === undefined ? { text } : { text, command: withDirectory(command, given) },
  );
}

/** `text` with the directory `given` in the place of `{dir}`, as one word of a shell. */
function withDirectory(text: string, given: string): string {
  // A function, because a replacement text would give "$" in a name a meaning.
  return text.replaceAll('{dir}', () => shellWord(given));
}

function kindsOf(texts: Readonly<Partial<Record<FindingKind, FindingText>>>): readonly FindingKind[] {
  return Object.keys(texts) as FindingKind[];
}
