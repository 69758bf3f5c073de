/**
 * Other processes at the directory: real ones.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { rowsKept, unpacked } from '../support/fixtures.ts';
import { heldUp } from '../support/held-up.ts';
import { holdingOpen, inTransaction, SQLITE, startedProcess } from '../support/process.ts';
import { run } from '../support/run.ts';
import { bytesOf, seqIdsOf, withDatabase } from '../support/state.ts';

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

async function findingsOf(dir: string): Promise<readonly string[]> {
  const { stdout } = await run(['inspect', dir, '--json']);
  const { findings } = JSON.parse(stdout) as { findings: readonly { id: string; subject: string }[] };
  return findings.filter(({ id }) => id !== 'in-use').map(({ id, subject }) => `${id} ${subject}`);
}

describe('a process that is held up in the middle of saving an index', () => {
  it('makes nothing look damaged', async () => {
    const dir = await unpacked('0.5.5');
    const alone = await findingsOf(dir);
    await startedProcess(heldUp(dir));
    expect(await findingsOf(dir)).toEqual(alone);
  });

  it('and goes no further leaves what is damaged', async () => {
    const dir = await unpacked('0.5.5');
    const alone = await findingsOf(dir);
    const { pid = 0 } = await startedProcess(heldUp(dir));
    process.kill(pid, 'SIGSTOP');
    expect(await findingsOf(dir)).toEqual(expect.arrayContaining([expect.stringMatching(/^pickle-unreadable /)]));
    expect(alone.some((each) => each.startsWith('pickle-unreadable'))).toBe(false);
  });
});

/** A writer whose connection lives for one row: between two of them nobody has the directory open. */
const COMING_AND_GOING = `
  const write = () => {
    const db = new (require(SQLITE_PATH))(DATABASE_PATH, { timeout: 60_000 });
    db.exec("INSERT INTO embeddings_queue (operation, topic, id) SELECT 2, topic, 'written' FROM embeddings_queue ORDER BY seq_id DESC LIMIT 1");
    db.close();
    setTimeout(write, 5);
  };
  write()`;

describe('a process that opens the database for every row that it writes', () => {
  it.each(['prune', 'vacuum', 'scrub'])('loses no row to a %s, which does its work or is refused', async (verb) => {
    const dir = await unpacked('0.5.5');
    const path = join(dir, 'chroma.sqlite3');
    const script = COMING_AND_GOING.replace('SQLITE_PATH', JSON.stringify(SQLITE)).replace(
      'DATABASE_PATH',
      JSON.stringify(path),
    );
    const ids = seqIdsOf(dir);
    const writer = await startedProcess(script);
    const ends: { readonly exitCode: number; readonly code: string; readonly isChanged: boolean }[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { exitCode, stderr } = await run([verb, dir, '--yes', '--wait', '1s', '--json', '--quiet']);
      const { code = 'DONE', changed = false } = JSON.parse(stderr === '' ? '{}' : stderr) as {
        code?: string;
        changed?: boolean;
      };
      ends.push({ exitCode, code, isChanged: changed });
    }
    writer.kill('SIGKILL');
    await once(writer, 'close');
    const refused = { exitCode: 11, code: 'IN_USE', isChanged: false };
    expect(
      ends.filter(({ exitCode }) => ![0, 3].includes(exitCode)).filter((end) => !isDeepStrictEqual(end, refused)),
    ).toEqual([]);
    const left = seqIdsOf(dir);
    const isDone = ends.some(({ code }) => code === 'DONE');
    const last = ids.at(-1) ?? 0n;
    expect(left.filter((id) => id <= last)).toEqual(isDone ? rowsKept('0.5.5', ids) : ids);
    // Of its own rows none is missing.
    const written = left.filter((id) => id > last);
    expect(written).toEqual(written.map((_, at) => last + 1n + BigInt(at)));
    expect(written.length).toBeGreaterThan(0);
    expect(withDatabase(dir, (db) => db.pragma('integrity_check', { simple: true }))).toBe('ok');
  });
});
