import type { Style } from './style.ts';

/** How wide and in what colours something is rendered. */
export interface View {
  readonly width: number;
  readonly style: Style;
}

/** Most collections that a table shows; `--json` has them all. */
export const MOST_ROWS = 20;
