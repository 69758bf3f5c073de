/**
 * What of a text is sought: pieces of it, one beside the other, so that it is found where only a part of it is left, and
 * where SQLite has cut it at the end of a page. Of 31 bytes in a row one piece is whole.
 */

/** Bytes of a piece: long enough that bytes which are no text do not have it by chance. */
export const PIECE_BYTES = 16;

/** A piece with fewer different bytes, as sixteen spaces, says nothing about where it comes from. */
const FEWEST_DIFFERENT = 6;

export interface Piece {
  readonly bytes: Buffer;
  /** The first and the last piece of a text have the highest. Of the others every second one has 1 or more, and so on. */
  readonly rank: number;
}

export const HIGHEST_RANK = 31;

/** The pieces of one form of a text; none where it is too short, or says nothing. */
export function piecesOf(form: Buffer): readonly Piece[] {
  const pieces: Piece[] = [];
  const last = form.length - PIECE_BYTES;
  const add = (from: number, rank: number): void => {
    if (!isTelling(form, from)) return;
    const bytes = form.subarray(from, from + PIECE_BYTES);
    pieces.push({ bytes, rank: pieces.length === 0 ? HIGHEST_RANK : rank });
  };
  for (let number = 0; number * PIECE_BYTES < last; number += 1) add(number * PIECE_BYTES, trailingZeros(number));
  if (last >= 0) add(last, HIGHEST_RANK);
  return pieces;
}

/** The piece that a form ends with; none where it is too short, or says nothing. */
export function endOf(form: Buffer): readonly Piece[] {
  return piecesOf(form.subarray(Math.max(form.length - PIECE_BYTES, 0)));
}

/** True for a text that can be told from other data. */
export function isSearchable(text: string): boolean {
  return piecesOf(Buffer.from(text, 'utf8')).length > 0;
}

function trailingZeros(number: number): number {
  return number === 0 ? HIGHEST_RANK : 31 - Math.clz32(number & -number);
}

function isTelling(form: Buffer, from: number): boolean {
  let different = 0;
  for (let at = from; at < from + PIECE_BYTES; at += 1) {
    if (form.indexOf(form[at] ?? 0, from) === at) different += 1;
    if (different === FEWEST_DIFFERENT) return true;
  }
  return false;
}
