import { Command } from 'commander';
import type { FullTextVerb } from '../../operations/full-text/plan.ts';
import type { CommandContext } from '../command-context.ts';
import { FULL_TEXT_EXIT_CODES, helpFooter } from '../help.ts';
import {
  targetOf,
  withAskingOptions,
  withChangingOptions,
  withCommonOptions,
  type ChangingOptions,
} from '../options.ts';

export function ftsCommand(context: CommandContext): Command {
  const fts = new Command('fts')
    .description('Mend and merge the full-text index, from which Chroma answers where_document.')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', helpFooter('chroma-maint fts rebuild ./persist --dry-run', FULL_TEXT_EXIT_CODES));
  return fts
    .addCommand(
      subcommand(
        context,
        'fts rebuild',
        'Make the full-text index anew from the documents, declared as Chroma declares it, and verify what it finds. For a persist directory not in use by Chroma.',
      ),
    )
    .addCommand(
      subcommand(
        context,
        'fts optimize',
        'Merge the full-text index into one piece. The file keeps its size: see vacuum. For a persist directory not in use by Chroma.',
      ),
    );
}

function subcommand(context: CommandContext, verb: FullTextVerb, description: string): Command {
  const [, name = ''] = verb.split(' ');
  return withChangingOptions(withAskingOptions(withCommonOptions(new Command(name))))
    .description(description)
    .addHelpText('after', helpFooter(`chroma-maint ${verb} ./persist --dry-run`, FULL_TEXT_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: ChangingOptions) => {
      const target = targetOf(persistDir, options);
      const [{ runSession }, { ftsSession }] = await Promise.all([
        import('../session.ts'),
        import('../fts-session.ts'),
      ]);
      await runSession(ftsSession(verb, target, context.host, context.work), options, context);
    });
}
