import { expect, it } from 'vitest';
import { unpacked } from '../../support/fixtures.ts';
import { run } from '../../support/run.ts';
import { checked, cleaned } from './cases.ts';

const DAY_MS = 86_400_000;

it('a quarantine that is too young for its remedy says from which day on that works', async () => {
  const dir = await unpacked('0.6.3-purge-off');
  await cleaned(dir, '--only', 'dirs');
  const remedyIn = async (days: number): Promise<string | undefined> => {
    const now = () => new Date(Date.now() + days * DAY_MS);
    const { findings } = await checked(dir, false, { machine: () => ({ now }) });
    return findings.find(({ id }) => id === 'quarantine')?.remedy.replace(dir, 'DIR');
  };
  const command = 'chroma-maint clean DIR --purge-quarantine --older-than 7d';
  expect(await remedyIn(0)).toMatch(
    new RegExp(`^Delete it from \\d{4}-\\d\\d-\\d\\d on, or at once with --older-than 0s: ${command}$`),
  );
  expect(await remedyIn(8)).toBe(command);
  const { stdout } = await run(['clean', dir, '--purge-quarantine', '--older-than', '0s', '--yes']);
  expect(stdout).toMatch(/^Deleted 1 directory/);
});
