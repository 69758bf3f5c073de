/**
 * The options by which rows of the WAL are chosen.
 */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import type { Operation, Wanted } from '../operations/wal/question.ts';
import { parseMoment } from '../units.ts';
import { collect, count } from './options.ts';

export interface RowOptions {
  readonly collection?: readonly string[];
  readonly op?: Operation;
  readonly since?: Date;
  readonly until?: Date;
  readonly id?: string;
  readonly limit?: number;
}

const OPERATIONS: readonly Operation[] = ['add', 'update', 'upsert', 'delete'];

export function withRowOptions(command: Command, host: Host, limit: string): Command {
  const moment = (text: string): Date => {
    const found = parseMoment(text, host.now());
    if (found !== undefined) return found;
    throw new InvalidArgumentError('A time looks like 2026-11-21, 2026-11-21T03:15:00Z, or 2h for two hours ago.');
  };
  return command
    .option('--collection <name>', 'only rows of this collection, by name or id (repeatable)', collect)
    .addOption(new Option('--op <operation>', 'only rows of this operation').choices([...OPERATIONS]))
    .option('--since <time>', 'only rows written at this time or later', moment)
    .option('--until <time>', 'only rows written at this time or earlier', moment)
    .option('--id <id>', 'only rows of the record with this id')
    .option('--limit <n>', limit, count);
}

/** What was chosen; `most` rows where nothing is said of their number, null for all of them. Throws USAGE for a time span that ends before it begins. */
export function wantedOf({ collection, op, since, until, id, limit }: RowOptions, most: number | null): Wanted {
  if (since !== undefined && until !== undefined && since > until) {
    throw new MaintError('USAGE', {
      message: '--since is later than --until',
      hint: 'rows between two times: the earlier one with --since',
    });
  }
  return {
    collections: collection ?? [],
    operation: op ?? null,
    since: since ?? null,
    until: until ?? null,
    id: id ?? null,
    limit: limit ?? most,
  };
}
