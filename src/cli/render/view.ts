import type { Io, Output } from '../io.ts';
import { styleFor, type ColorChoice, type Style } from './style.ts';

/** How wide and in what colours something is rendered. */
export interface View {
  readonly width: number;
  readonly style: Style;
}

/** How wide and in what colours `output` is to be written to; 80 columns where it has no width. */
export function viewOf(output: Output, color: ColorChoice, io: Io): View {
  return { width: output.columns ?? 80, style: styleFor(color, output, io) };
}

/** Most collections that a table shows; `--json` has them all. */
export const MOST_ROWS = 20;
