import { Command } from 'commander';
import { MaintError } from '../../errors.ts';
import type { CommandContext } from '../command-context.ts';
import { helpFooter } from '../help.ts';
import { printJson } from '../json.ts';
import { withOutputOptions, type CommonOptions } from '../options.ts';

const LIST = 'chroma-maint explain';

export function explainCommand({ io, host }: CommandContext): Command {
  return withOutputOptions(new Command('explain'))
    .argument('[what]', 'the id of a finding, or an exit code, as a number or by its name; a list of all if not given')
    .description(
      'Say what a finding or an exit code means, why it matters and what to do about it. Reads no directory.',
    )
    .addHelpText('after', helpFooter(`${LIST} orphan-segment-dir`, [0, 2, 70]))
    .action(async (what: string | undefined, options: CommonOptions) => {
      const [{ explainedBy, suggestionsFor }, text, json, { viewOf }] = await Promise.all([
        import('../explained.ts'),
        import('../render/explain-text.ts'),
        import('../render/explain-json.ts'),
        import('../render/view.ts'),
      ]);
      const explained = what === undefined ? null : explainedBy(what);
      if (explained === undefined) throw unknown(what ?? '', suggestionsFor(what ?? ''));
      if (options.json) {
        printJson({ io, host }, explained === null ? json.topicsJson() : json.explanationJson(explained));
        return;
      }
      const view = viewOf(io.stdout, options.color, io);
      const lines = explained === null ? text.topicLines(view) : text.explanationLines(explained, view);
      io.stdout.write(`${lines.join('\n')}\n`);
    });
}

function unknown(what: string, suggestions: readonly string[]): MaintError {
  return new MaintError('USAGE', {
    message: `there is no finding and no exit code of this name: ${what}`,
    details: suggestions.length === 0 ? [] : [`did you mean ${suggestions.join(', ')}?`],
    hint: `all that there are: ${LIST}`,
  });
}
