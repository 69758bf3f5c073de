import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** What gives way where the terminal is narrow: names are cut in the middle, sentences wrap. */
  readonly fit?: 'cut' | 'wrap';
}

/** A column that may be left out where the terminal is narrow, the one with the highest rank first. */
export interface RankedColumn extends Column {
  readonly rank: number;
}

const INDENT = '  ';
const GAP = '  ';
const NO_BREAK = '\u00a0';
const LEAST_CUT = 10;
const LEAST_WRAP = 16;
/** Sentences get no narrower than this before names are cut. */
const COMFORTABLE_WRAP = 24;

/** Lines of an aligned table with a header, not wider than `width` wherever names can be cut and sentences wrapped. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const table = [columns.map(({ title }) => title), ...rows];
  return linesLike(columns, table, width)(table);
}

/** What makes lines of rows in the widths that fit `sample`, a header included; for a table of which only the beginning is known. */
export function linesLike(
  columns: readonly Column[],
  sample: readonly (readonly string[])[],
  width: number,
): (rows: readonly (readonly string[])[]) => readonly string[] {
  const widths = fittedWidths(columns, sample, width);
  return (rows) => rows.flatMap((row) => rowLines(columns, row, widths));
}

/** The places of those of `columns` that fit beside each other into `width`; at least the one of the lowest rank. */
export function fittingColumns(
  columns: readonly RankedColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly number[] {
  const least = columns.map(({ title, fit }, at) => {
    const natural = rows.reduce((most, row) => Math.max(most, stringWidth(row[at] ?? '')), stringWidth(title));
    return fit === 'cut' ? Math.min(natural, LEAST_CUT) : natural;
  });
  const places = columns.map((_, at) => at);
  const ranked = places.toSorted((a, b) => (columns[a]?.rank ?? 0) - (columns[b]?.rank ?? 0));
  let room = width - INDENT.length + GAP.length;
  const fitting = ranked.filter((at, rank) => {
    room -= (least[at] ?? 0) + GAP.length;
    return rank === 0 || room >= 0;
  });
  return places.filter((at) => fitting.includes(at));
}

/** Has the patterns compiled that measuring text needs, which takes 20 ms at the first call. */
export function prepareMeasuring(): void {
  stringWidth('→');
}

/** Wraps `text` to `width`, every line indented by `indent`. A no-break space never ends a line. */
export function wrapped(text: string, width: number, indent = ''): readonly string[] {
  const lines = wrapAnsi(text, Math.max(width - indent.length, LEAST_WRAP), { hard: false }).split('\n');
  return lines.map((line) => indent + line.replaceAll(NO_BREAK, ' '));
}

/** Joins `facts` so that a wrapped line ends between two of them and never inside one. */
export function unbroken(facts: readonly string[], separator = ' · '): string {
  return facts.map((fact) => fact.replaceAll(' ', NO_BREAK)).join(separator);
}

/** `text` and a command to paste: on one line where both fit, else the command unbroken on a line of its own. */
export function withCommand(text: string, command: string, width: number): readonly string[] {
  const line = `${text} ${command}`;
  return stringWidth(line) <= width ? [line] : [...wrapped(text, width), INDENT + command];
}

const LABEL_WIDTH = 11;

/** A line `  label    text` of a plan, the text wrapped beside its label. */
export function labelled(label: string, text: string, width: number): readonly string[] {
  return beside(label, LABEL_WIDTH, wrapped(text, width, ' '.repeat(LABEL_WIDTH)));
}

/** The same for text that may have words longer than a line, which are broken, behind labels of up to `labelWidth - 3`. */
export function labelledHard(label: string, text: string, width: number, labelWidth: number): readonly string[] {
  const indent = ' '.repeat(labelWidth);
  const lines = wrapAnsi(text, Math.max(width - labelWidth, LEAST_WRAP), { hard: true }).split('\n');
  return beside(
    label,
    labelWidth,
    lines.map((line) => indent + line),
  );
}

function beside(label: string, labelWidth: number, [first = '', ...rest]: readonly string[]): readonly string[] {
  return [`${INDENT}${label.padEnd(labelWidth - INDENT.length)}${first.slice(labelWidth)}`, ...rest];
}

const ELLIPSIS = '…';

/**
 * Cuts `text` in the middle to at most `width` columns, whole characters at a time. (cli-truncate is a column too wide
 * after emoji with a variation selector.)
 */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const characters = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const [head, tail]: [string[], string[]] = [[], []];
  let room = width - stringWidth(ELLIPSIS);
  for (let taken = 0; taken < characters.length; taken += 1) {
    const isHead = taken % 2 === 0;
    const next = isHead ? characters[head.length] : characters[characters.length - 1 - tail.length];
    room -= stringWidth(next ?? '');
    if (room < 0) break;
    if (isHead) head.push(next ?? '');
    else tail.unshift(next ?? '');
  }
  return head.join('') + ELLIPSIS + tail.join('');
}

function fittedWidths(
  columns: readonly Column[],
  table: readonly (readonly string[])[],
  width: number,
): readonly number[] {
  const natural = columns.map((_, at) => table.reduce((most, row) => Math.max(most, stringWidth(row[at] ?? '')), 0));
  let excess = INDENT.length + sum(natural) + GAP.length * (columns.length - 1) - width;
  const shrink = (fit: Column['fit'], least: number, widths: readonly number[]): readonly number[] =>
    widths.map((each, at) => {
      if (excess <= 0 || columns[at]?.fit !== fit) return each;
      const fitted = Math.max(Math.min(each, least), each - excess);
      excess -= each - fitted;
      return fitted;
    });
  const comfortable = shrink('cut', LEAST_CUT, shrink('wrap', COMFORTABLE_WRAP, natural));
  return shrink('wrap', LEAST_WRAP, comfortable);
}

function rowLines(columns: readonly Column[], row: readonly string[], widths: readonly number[]): readonly string[] {
  const cells = columns.map(({ fit }, at) => {
    const [text, width] = [row[at] ?? '', widths[at] ?? 0];
    return fit === 'wrap' ? wrapped(text, width) : [fit === 'cut' ? cut(text, width) : text];
  });
  const height = Math.max(...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const padded = columns.map(({ align }, at) => pad(cells[at]?.[line] ?? '', widths[at] ?? 0, align));
    return (INDENT + padded.join(GAP)).trimEnd();
  });
}

function pad(text: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(width - stringWidth(text), 0));
  return align === 'left' ? text + space : space + text;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
