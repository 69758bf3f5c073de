import { Command, Option } from 'commander';
import { EXIT_DONE, EXIT_NEEDS_ATTENTION, MaintError } from '../../../errors.ts';
import type { Exported, ExportRequest } from '../../../operations/wal/export.ts';
import type { VectorForm } from '../../../operations/wal/export-line.ts';
import type { CommandContext } from '../../command-context.ts';
import { helpFooter } from '../../help.ts';
import { persistDirOf, seqId, withOutputOptions, withPersistDir, type CommonOptions } from '../../options.ts';
import { printable } from '../../render/printable.ts';
import { wantedOf, withRowOptions, type RowOptions } from '../../row-options.ts';

interface ExportOptions extends CommonOptions, RowOptions {
  readonly output?: string;
  readonly after?: bigint;
  readonly vectors: VectorForm;
}

const EXIT_CODES: readonly number[] = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 70, 130];

const JSON_TEXT = 'with --output: print one JSON object on stdout; without: print errors as JSON';

const VECTOR_FORMS: readonly VectorForm[] = ['base64', 'array', 'none'];

export function exportCommand(context: CommandContext): Command {
  const command = withOutputOptions(withPersistDir(new Command('export')), JSON_TEXT)
    .summary('Write rows as JSON Lines.')
    .description(
      'Write rows of the WAL as JSON Lines, the oldest first, with every field as it is stored, deletes included. Changes nothing in the directory; works on a read-only mount and beside a running server. docs/WAL.md shows how to replay an export.',
    )
    .option('-o, --output <file>', 'into this new file, compressed where it ends in .gz; else, or with -, to stdout')
    .option('--after <seq_id>', 'only rows above this seq_id: what came since the last export', seqId)
    .addOption(
      new Option('--vectors <form>', 'how vectors are written: the stored bytes, numbers, or not at all')
        .choices([...VECTOR_FORMS])
        .default('base64'),
    );
  return withRowOptions(command, context.host, 'at most so many rows')
    .addHelpText('after', helpFooter('chroma-maint wal export ./persist -o wal.jsonl.gz', EXIT_CODES))
    .action(async (persistDir: string | undefined, options: ExportOptions) => {
      const { after, vectors, output } = options;
      const request: ExportRequest = {
        ...wantedOf(options, null),
        path: persistDirOf(persistDir, options),
        after: after ?? null,
        vectors,
      };
      if (output === '') throw noName();
      if (output === undefined || output === '-') await toStdout(request, options, context);
      else await toFile(request, output, options, context);
    });
}

function noName(): MaintError {
  return new MaintError('USAGE', { message: 'the file of the export has no name', hint: 'name one with -o <file>' });
}

async function toStdout(request: ExportRequest, options: ExportOptions, context: CommandContext): Promise<void> {
  const { io, host, finish } = context;
  const [{ exportLines }, { exportWarnings }] = await Promise.all([
    import('../../../operations/wal/export.ts'),
    import('../../render/wal/export-text.ts'),
  ]);
  const exported = await exportLines(request, host, async (lines) => {
    io.stdout.write(lines);
    await io.stdout.drained();
  });
  if (options.quiet !== true) {
    for (const warning of exportWarnings(exported, request)) io.stderr.write(`warning: ${printable(warning)}\n`);
  }
  finish(exitCodeOf(exported));
}

async function toFile(
  request: ExportRequest,
  file: string,
  options: ExportOptions,
  context: CommandContext,
): Promise<void> {
  const [{ exportToFile }, { runReport }, { exportReportLines, exportWarnings }, { exportJson }] = await Promise.all([
    import('../../../operations/wal/export.ts'),
    import('../../run-report.ts'),
    import('../../render/wal/export-text.ts'),
    import('../../render/wal/export-json.ts'),
  ]);
  await runReport(context, options, {
    execute: (execution) => exportToFile({ ...request, file }, context.host, execution),
    warnings: (report) => exportWarnings(report, request),
    lines: exportReportLines,
    json: exportJson,
    exitCodeOf,
  });
}

function exitCodeOf({ endsBefore }: Exported): number {
  return endsBefore === null ? EXIT_DONE : EXIT_NEEDS_ATTENTION;
}
