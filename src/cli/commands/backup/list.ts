import { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import { printJson } from '../../json.ts';
import { repositoryOf, withOutputOptions, withRepository, type CommonOptions } from '../../options.ts';

const EXIT_CODES: readonly number[] = [0, 1, 2, 10, 13, 70, 130];

export function listCommand({ io, host }: CommandContext): Command {
  return withOutputOptions(withRepository(new Command('list')))
    .description('List the snapshots of a repository, in the order in which they were made. Changes nothing.')
    .addHelpText('after', helpFooter('chroma-maint backup list /backup', EXIT_CODES))
    .action(async (repository: string | undefined, options: CommonOptions) => {
      const given = repositoryOf(repository, options);
      const [{ listBackups }, { listLines }, { listJson }, { viewOf }] = await Promise.all([
        import('../../../operations/backup/list.ts'),
        import('../../render/backup/list-text.ts'),
        import('../../render/backup/json.ts'),
        import('../../render/view.ts'),
      ]);
      const list = await listBackups(given);
      if (options.json) printJson({ io, host }, listJson(list));
      else io.stdout.write(`${listLines(list, viewOf(io.stdout, options.color, io)).join('\n')}\n`);
    });
}
