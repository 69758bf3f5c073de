import { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter, READING_EXIT_CODES } from '../../help.ts';
import { persistDirOf, withCommonOptions, type CommonOptions } from '../../options.ts';
import { wantedOf, withRowOptions, type RowOptions } from '../../row-options.ts';

type ListOptions = CommonOptions & RowOptions;

/** Rows of the table where nothing is said of their number. */
const ROWS_OF_TABLE = 100;

export function listCommand({ io, host }: CommandContext): Command {
  const command = withCommonOptions(new Command('list'), 'print JSON Lines on stdout: one object for each row')
    .summary('List rows, the newest first.')
    .description(
      'List the rows of the WAL, the newest first: what was written, when, to which collection, and whether every segment has it. Changes nothing; works on a read-only mount and beside a running server.',
    );
  return withRowOptions(command, host, `at most so many rows (default: ${ROWS_OF_TABLE}; with --json all of them)`)
    .addHelpText('after', helpFooter('chroma-maint wal list ./persist --op delete --since 2h', READING_EXIT_CODES))
    .action(async (persistDir: string | undefined, options: ListOptions) => {
      const path = persistDirOf(persistDir, options);
      const isJson = options.json ?? false;
      const [{ listRows }, { listLine }, { createTable, MEASURED_ROWS }, { viewOf }] = await Promise.all([
        import('../../../operations/wal/list.ts'),
        import('../../render/wal/row-json.ts'),
        import('../../render/wal/list-text.ts'),
        import('../../render/view.ts'),
      ]);
      const wanted = wantedOf(options, isJson ? null : ROWS_OF_TABLE);
      const isStreamed = isJson || (wanted.limit ?? Infinity) > MEASURED_ROWS;
      const request = { ...wanted, path, redact: options.redact ?? false, isStreamed, tellsMore: !isJson };
      if (isJson) {
        await listRows(request, host, async (rows) => {
          io.stdout.write(rows.map(listLine).join(''));
          await io.stdout.drained();
        });
        return;
      }
      const table = createTable(path, wanted, viewOf(io.stdout, options.color, io));
      const print = (lines: readonly string[]): void => io.stdout.write(lines.map((line) => `${line}\n`).join(''));
      try {
        const hasMore = await listRows(request, host, async (rows) => {
          print(table.add(rows));
          await io.stdout.drained();
        });
        print(table.end(hasMore));
      } catch (error) {
        // What could be read is shown, and then why it is not all.
        if (!table.isEmpty()) print(table.end(false));
        throw error;
      }
    });
}
