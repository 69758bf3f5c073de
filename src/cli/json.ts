import type { CommandContext } from './command-context.ts';

/** Prints the one object that `--json` promises, with the time at which it was written. */
export function printJson({ io, host }: Pick<CommandContext, 'io' | 'host'>, value: object): void {
  io.stdout.write(`${JSON.stringify({ ...value, time: host.now().toISOString() }, null, 2)}\n`);
}
