/**
 * Other processes at the directory: real ones.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpacked } from '../support/fixtures.ts';
import { holdingOpen, inTransaction } from '../support/process.ts';
import { run } from '../support/run.ts';
import { bytesOf, seqIdsOf } from '../support/state.ts';

describe('a process that has the database open without a lock, as an idle Chroma does', () => {
  it('stops prune and vacuum, is named with PID, user and command, and no byte changes', async () => {
    const dir = await unpacked('0.5.5');
    const { pid } = await holdingOpen(join(dir, 'chroma.sqlite3'));
    const before = bytesOf(dir);
    for (const verb of ['prune', 'vacuum']) {
      const { exitCode, stderr } = await run([verb, dir, '--yes']);
      expect(exitCode).toBe(11);
      expect(stderr).toMatch(new RegExp(`pid ${pid} .*user \\S+\\) has chroma.sqlite3 open`));
      expect(stderr).toMatch(/nothing was changed[\s\S]*hint: stop Chroma/);
    }
    expect(bytesOf(dir)).toEqual(before);
  });

  it('does not stop inspect or a dry run, which says that it would be refused', async () => {
    const dir = await unpacked('0.5.5');
    const { pid } = await holdingOpen(join(dir, 'chroma.sqlite3'));
    const before = bytesOf(dir);
    expect(await run(['inspect', dir])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`in use by pid ${pid}`),
    });
    const plan = await run(['prune', dir, '--dry-run']);
    expect(plan.exitCode).toBe(0);
    expect(plan.stdout).toContain('not in use ✗');
    expect(plan.stdout).toContain('would be refused now (exit 11)');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('is waited for with --wait', async () => {
    const dir = await unpacked('0.5.5');
    const child = await holdingOpen(join(dir, 'chroma.sqlite3'));
    setTimeout(() => child.kill('SIGKILL'), 300);
    expect(await run(['prune', dir, '--yes', '--wait', '30s'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('Deleted'),
    });
  });
});

describe('a process that holds a lock', () => {
  it('on all reading stops every command, and is named', async () => {
    const dir = await unpacked('0.5.5');
    const { pid } = await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN EXCLUSIVE');
    for (const verb of ['prune', 'vacuum']) {
      const { exitCode, stderr } = await run([verb, dir, '--yes']);
      expect(exitCode).toBe(11);
      expect(stderr).toContain(`pid ${pid} `);
    }
    expect(await run(['inspect', dir])).toMatchObject({ exitCode: 11, stderr: expect.stringContaining(`pid ${pid} `) });
  });

  it('on writing lets inspect read', async () => {
    const dir = await unpacked('0.5.5');
    const ids = seqIdsOf(dir);
    await inTransaction(join(dir, 'chroma.sqlite3'), 'BEGIN IMMEDIATE; DELETE FROM embeddings_queue');
    const { exitCode, stdout } = await run(['inspect', dir, '--json']);
    expect(exitCode).toBe(0);
    const { collections } = JSON.parse(stdout) as { collections: readonly { walRows: number }[] };
    expect(collections.reduce((sum, { walRows }) => sum + walRows, 0)).toBe(ids.length);
  });
});
