import { EXIT_CODE_MEANING } from './failure.ts';

/** What stands below the options of every `--help`: one example, then the exit codes the command can end with. */
export function helpFooter(example: string, exitCodes: readonly number[]): string {
  const codes = exitCodes.map((code) => `  ${String(code).padStart(3)}  ${EXIT_CODE_MEANING[code]}`);
  return ['', 'Example:', `  ${example}`, '', 'Exit codes:', ...codes].join('\n');
}

export const ALL_EXIT_CODES: readonly number[] = Object.keys(EXIT_CODE_MEANING).map(Number);
export const READING_EXIT_CODES: readonly number[] = [0, 1, 2, 10, 11, 12, 13, 14, 18, 70, 130];
export const WRITING_EXIT_CODES: readonly number[] = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 70, 130];
export const CLEANING_EXIT_CODES: readonly number[] = [...WRITING_EXIT_CODES, 17].toSorted((a, b) => a - b);
export const FULL_TEXT_EXIT_CODES: readonly number[] = WRITING_EXIT_CODES.filter((code) => code !== 3);
