/**
 * From a dry run to the command line that does it.
 */
import { shellWord } from '../shell-word.ts';
import { printable } from './render/printable.ts';

/** The command line of a dry run without what makes it one, and without how it was to be shown. */
export function carryingOut(argv: readonly string[]): string {
  const words = argv.filter(
    (word, at) => word !== '--dry-run' && !word.startsWith('--color') && argv[at - 1] !== '--color',
  );
  return printable(['chroma-maint', ...words.map(shellWord), '--yes'].join(' '));
}
