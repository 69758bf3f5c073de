import { Command, InvalidArgumentError } from 'commander';
import { MaintError } from '../../../errors.ts';
import type { ShowRequest } from '../../../operations/wal/show.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter, READING_EXIT_CODES } from '../../help.ts';
import { printJson } from '../../json.ts';
import { persistDirOf, seqId, withCommonOptions, type CommonOptions } from '../../options.ts';

export function showCommand({ io, host }: CommandContext): Command {
  return withCommonOptions(new Command('show'))
    .argument('[seq-id]', 'the number of the row, as wal list shows it')
    .summary('Show everything about one row.')
    .description(
      'Show everything about one row of the WAL: vector, document and metadata, how far each segment has come, and the rows before and after it of the same record. Changes nothing; works on a read-only mount and beside a running server.',
    )
    .addHelpText('after', helpFooter('chroma-maint wal show ./persist 470', READING_EXIT_CODES))
    .action(async (persistDir: string | undefined, row: string | undefined, options: CommonOptions) => {
      const request = requestOf(persistDir, row, options);
      const [{ showRow }, { shownLines }, { shownJson }, { viewOf }] = await Promise.all([
        import('../../../operations/wal/show.ts'),
        import('../../render/wal/show-text.ts'),
        import('../../render/wal/row-json.ts'),
        import('../../render/view.ts'),
      ]);
      const shown = await showRow(request, host);
      if (options.json) {
        printJson({ io, host }, shownJson(shown));
        return;
      }
      const lines = shownLines(shown, request.path, viewOf(io.stdout, options.color, io));
      io.stdout.write(`${lines.join('\n')}\n`);
    });
}

/** With --path the only argument is the row. */
function requestOf(first: string | undefined, second: string | undefined, options: CommonOptions): ShowRequest {
  const isPathGiven = options.path !== undefined && second === undefined;
  const path = persistDirOf(isPathGiven ? undefined : first, options);
  const row = isPathGiven ? first : second;
  if (row === undefined) {
    throw new MaintError('USAGE', {
      message: 'no row was named',
      hint: 'give its seq_id behind the directory, as wal list shows it',
    });
  }
  return { path, seqId: seqIdOf(row), redact: options.redact ?? false };
}

function seqIdOf(text: string): bigint {
  try {
    return seqId(text);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new MaintError('USAGE', { message: `this is no seq_id: ${text}`, hint: error.message });
  }
}
