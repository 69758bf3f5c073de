/**
 * What a report says of a WAL that will grow again, and of a file that could be smaller.
 */
import { realpathSync } from 'node:fs';
import { expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { run } from '../support/run.ts';

/** The report of a prune or a vacuum, on one line. */
async function reported(...argv: readonly string[]): Promise<string> {
  const { stdout } = await run([...argv, '--color', 'never'], { columns: 400 });
  return stdout.replaceAll(/\s+/g, ' ');
}

it('cron gets the whole path, and a command that works beside a server and without one', async () => {
  const dir = await unpacked('0.5.5');
  const command = `chroma-maint prune ${realpathSync(dir)} --while-running --yes`;
  expect(await reported('prune', `${dir}/.`, '--yes')).toContain(`Run from cron: ${command} `);
  expect((await run(command.split(' ').slice(1))).exitCode).toBe(0);
});

it.each([
  ['1.5.9-purge-off', 'with Chroma stopped: chroma-maint wal config DIR --auto-purge on '],
  ['0.6.3-purge-off', '0.5.13 or later: chroma-maint wal config DIR --auto-purge on --chroma-version VERSION '],
])('where Chroma could do it itself in %s, that is switched on instead', async (name, words) => {
  const dir = await unpacked(name);
  expect((await reported('prune', dir, '--yes')).replaceAll(dir, 'DIR')).toContain(words);
});

it('but not where rows or collections are left, or where it has just been switched off', async () => {
  const [held, off] = [await unpacked('1.5.9-purge-off'), await unpacked('1.5.9-purge-on')];
  expect(await reported('prune', held, '--keep-last', '5', '--yes')).toContain('Run from cron:');
  expect(await reported('prune', held, '--exclude', 'drafts', '--yes')).not.toContain('--auto-purge on');
  const switchedOff = await reported('vacuum', off, '--auto-purge', 'off', '--min-reclaim', '1', '--yes');
  expect(switchedOff).toContain('Switched auto-purge off.');
  expect(switchedOff).not.toContain('--auto-purge on');
});

it('a vacuum is named only where it would give something back', async () => {
  const dir = await unpacked('0.5.5');
  expect(await reported('prune', dir, '--dry-run')).toContain('The file gets smaller only with: chroma-maint vacuum');
  await run(['vacuum', dir, '--yes']);
  expect(await reported('prune', dir, '--dry-run')).toMatch(/Dry run: nothing was changed\. $/);
});
