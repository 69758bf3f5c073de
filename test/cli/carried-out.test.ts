/**
 * What a dry run ends with: the command line that carries its plan out.
 */
import { expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA } from '../support/holders.ts';
import { run } from '../support/run.ts';
import { seqIdsOf } from '../support/state.ts';

it('is that of the dry run with all that it was given, and does what was shown', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const argv = ['prune', '--path', dir, '--color=never', '--collection', 'ledger', '--dry-run', '--keep-last', '3'];
  const { stdout } = await run(argv);
  const command = `prune --path ${dir} --collection ledger --keep-last 3 --yes`;
  expect(stdout).toMatch(new RegExp(`\nTo carry out this plan:\\s+chroma-maint ${command}\n$`));
  expect((await run(command.split(' '))).stdout).toMatch(/^Deleted 96 of /);
});

it('quotes what a shell would take apart', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const { stdout } = await run([
    'prune',
    dir,
    '--dry-run',
    '--exclude',
    'archive/notes',
    '--exclude',
    'büro-süd/größe/ledger',
  ]);
  expect(stdout).toMatch(/--exclude archive\/notes --exclude 'büro-süd\/größe\/ledger' --yes\n$/);
});

it('is not there where names are hidden: it repeats what was typed', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const { stdout } = await run(['prune', dir, '--dry-run', '--redact', '--exclude', 'ledger']);
  expect(stdout).toContain('Dry run: nothing was changed.');
  expect(stdout).not.toMatch(/ledger|To carry out/);
});

it('is not there where something would refuse it, and where there is nothing to do', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  const before = seqIdsOf(dir);
  const refused = await run(['vacuum', dir, '--dry-run'], {}, { holdersOf: () => IDLE_CHROMA });
  const idle = await run(['prune', dir, '--dry-run', '--collection', 'drafts']);
  for (const { stdout } of [refused, idle]) expect(stdout).not.toContain('To carry out this plan');
  expect(seqIdsOf(dir)).toEqual(before);
});
