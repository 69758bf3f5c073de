import { styleText } from 'node:util';
import type { Io, Output } from '../io.ts';

export type ColorChoice = 'auto' | 'always' | 'never';

/** Colour only underlines what the words say; without it every function returns its text unchanged. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

/** The style for `output`: `auto` means colour on a terminal, unless NO_COLOR is set or the terminal is dumb. */
export function styleFor(choice: ColorChoice, output: Output, { environment }: Io): Style {
  const isPlain = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const isOn = choice === 'always' || (choice === 'auto' && output.isTerminal && !isPlain);
  const paint =
    (format: Format) =>
    (text: string): string =>
      isOn ? styleText(format, text, { validateStream: false }) : text;
  return { bold: paint('bold'), dim: paint('dim'), good: paint('green'), warn: paint('yellow'), bad: paint('red') };
}
