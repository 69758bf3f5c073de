import { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { shellWord } from '../../shell-word.ts';
import { helpFooter } from '../help.ts';

/** The main job, as an operator would do it. */
const STEPS: readonly (readonly string[])[] = [['inspect'], ['prune', '--dry-run'], ['vacuum', '--yes'], ['inspect']];

export function demoCommand({ io, run, finish }: CommandContext): Command {
  return new Command('demo')
    .argument('[dir]', 'where to unpack the sample; a temporary directory if not given')
    .description('Unpack a sample persist directory written by real Chroma and show inspect, prune and vacuum on it.')
    .addHelpText('after', helpFooter('chroma-maint demo ./sample', [0, 1, 2, 17, 18, 70, 130]))
    .action(async (dir: string | undefined) => {
      const { unpackSample } = await import('../../operations/demo.ts');
      const persistDir = await unpackSample(dir);
      for (const [command = '', ...options] of STEPS) {
        io.stdout.write(`\n$ chroma-maint ${[command, shellWord(persistDir), ...options].join(' ')}\n`);
        const code = await run([command, persistDir, ...options]);
        if (code !== 0) return finish(code);
      }
      io.stdout.write(`\nThe sample stays in ${persistDir}; try the commands on it.\n`);
    });
}
