import { readFileSync, realpathSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { MaintError, messageOf } from '../../errors.ts';
import { isSearchable } from '../../operations/scrub/pieces.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter, WRITING_EXIT_CODES } from '../help.ts';
import {
  collect,
  targetOf,
  withAskingOptions,
  withChangingOptions,
  withCommonOptions,
  type ChangingOptions,
} from '../options.ts';

interface ScrubOptions extends ChangingOptions {
  readonly phrases?: string;
  readonly also?: readonly string[];
}

export function scrubCommand(context: CommandContext): Command {
  return withChangingOptions(withAskingOptions(withCommonOptions(new Command('scrub'))))
    .description(
      'Prove that deleted text is gone: prune, write a new database, overwrite the old one, then search every file for the deleted texts that the old one still named, and say where something of them is left. For a persist directory not in use by Chroma.',
    )
    .option('--phrases <file>', 'search for these texts as well, one in each line')
    .option('--also <dir>', 'search this directory too: a backup, a copy (repeatable)', collect)
    .addHelpText('after', helpFooter('chroma-maint scrub ./persist --dry-run', WRITING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: ScrubOptions) => {
      const request = {
        target: targetOf(persistDir, options),
        phrases: options.phrases === undefined ? [] : phrasesIn(options.phrases),
        others: [...new Set((options.also ?? []).map(directoryAt))],
      };
      const [{ runSession }, { scrubSession }] = await Promise.all([
        import('../session.ts'),
        import('../scrub-session.ts'),
      ]);
      await runSession(scrubSession(request, context.host, context.work), options, context);
    });
}

/** The lines of the file. Throws USAGE where it cannot be read, has none, or has one that says too little. */
function phrasesIn(file: string): readonly string[] {
  const lines = linesOf(file);
  const phrases = lines.filter((line) => line.trim() !== '');
  const short = lines.findIndex((line) => line.trim() !== '' && !isSearchable(line));
  if (short === -1 && phrases.length > 0) return phrases;
  throw new MaintError('USAGE', {
    message:
      phrases.length === 0
        ? `there is no phrase in ${file}`
        : `the phrase in line ${short + 1} of ${file} is too short to be told from other data`,
    hint: 'write one text in each line, of at least 16 bytes and 6 different characters',
  });
}

function linesOf(file: string): readonly string[] {
  try {
    // Editors on Windows begin a file with a byte order mark, which is no part of the first phrase.
    return readFileSync(file, 'utf8')
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/);
  } catch (error) {
    throw new MaintError('USAGE', {
      message: `the phrases cannot be read: ${file}`,
      details: [messageOf(error)],
      hint: 'name a text file with one phrase in each line',
    });
  }
}

function directoryAt(given: string): string {
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory() === true) return realpathSync(given);
  throw new MaintError('USAGE', {
    message: `there is no directory ${given}`,
    hint: 'name a directory that is there with --also <dir>',
  });
}
