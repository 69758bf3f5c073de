/**
 * check beside processes that have the directory open: idle ones, one in a transaction, and one that never stops writing.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/operations/findings/findings.ts';
import { databaseOf, metadataSegmentOf, pickleOf } from '../../support/damage.ts';
import { archivedNotesOf, topicOf } from '../../support/catalogue-damage.ts';
import { unpacked } from '../../support/fixtures.ts';
import { holdingOpen, inTransaction, SQLITE, startedProcess } from '../../support/process.ts';
import { heldUp } from '../../support/held-up.ts';
import { run } from '../../support/run.ts';
import { bytesOf } from '../../support/state.ts';

interface Checked {
  readonly exitCode: number;
  readonly found: readonly Pick<Finding, 'id' | 'severity' | 'subject'>[];
}

async function check(dir: string, ...options: readonly string[]): Promise<Checked> {
  const { exitCode, stdout, stderr } = await run(['check', dir, '--json', ...options]);
  expect(stderr).toBe('');
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return { exitCode, found: findings.map(({ id, severity, subject }) => ({ id, severity, subject })) };
}

/** What wants somebody. */
function alarmsIn({ found }: Checked): readonly string[] {
  return found.filter(({ severity }) => severity !== 'info').map(({ id, subject }) => `${id} ${subject}`);
}

describe('a process that has the database open without a lock, as an idle Chroma does', () => {
  it('is named, and changes nothing about what is found', async () => {
    const dir = await unpacked('0.5.7-purge-on');
    const alone = await check(dir);
    const { pid } = await holdingOpen(databaseOf(dir));
    const before = bytesOf(dir);
    const beside = await check(dir);
    expect(bytesOf(dir)).toEqual(before);
    expect(beside.found.filter(({ id }) => id === 'in-use')).toMatchObject([{ subject: `pid ${pid}` }]);
    expect(beside.found.filter(({ id }) => id !== 'in-use')).toEqual(alone.found);
    expect(beside.exitCode).toBe(alone.exitCode);
  });

  it('keeps a deep check from beginning, unless that is allowed', async () => {
    const dir = await unpacked('0.5.7-purge-on');
    const alone = await check(dir, '--deep');
    const { pid } = await holdingOpen(databaseOf(dir));
    const before = bytesOf(dir);
    const { exitCode, stdout, stderr } = await run(['check', dir, '--deep']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 11, stdout: '' });
    expect(stderr).toMatch(new RegExp(`pid ${pid} .*has chroma.sqlite3 open`));
    expect(stderr).toContain('keep it from saving anything for as long as it reads');
    expect(stderr).toContain(`chroma-maint check ${dir} --deep --while-running`);
    const allowed = await check(dir, '--deep', '--while-running');
    expect(allowed.found.filter(({ id }) => id !== 'in-use')).toEqual(alone.found);
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a process in the middle of a transaction', () => {
  it('that has not committed is read around', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const alone = await check(dir);
    await inTransaction(databaseOf(dir), 'BEGIN IMMEDIATE; DELETE FROM embeddings_queue');
    const { exitCode, found } = await check(dir);
    expect({ exitCode, found: found.filter(({ id }) => id !== 'in-use') }).toEqual(alone);
    expect(readdirSync(dir)).toContain('chroma.sqlite3-journal');
  });

  it('that lets nobody read is named in an error', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { pid } = await inTransaction(databaseOf(dir), 'BEGIN EXCLUSIVE');
    const { exitCode, stderr } = await run(['check', dir]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 11, stderr: expect.stringContaining(`pid ${pid} `) });
  });
});

/**
 * What Chroma 0.5.5 does with every batch that fills up its index: rows and position in one transaction, and in the middle
 * of it the index's own position, in a file that everybody sees at once.
 */
function saving(dir: string): string {
  // Of which no row waits: its index stays right whatever position it claims.
  const collection = archivedNotesOf(dir);
  const given = JSON.stringify({
    database: databaseOf(dir),
    pickle: pickleOf(dir, collection),
    segment: metadataSegmentOf(dir, collection),
    topic: topicOf(dir, collection),
  });
  return `
    const { openSync, readFileSync, writeSync } = require('node:fs');
    const { database, pickle, segment, topic } = ${given};
    const db = new (require(${JSON.stringify(SQLITE)}))(database, { timeout: 60_000 });
    const bytes = readFileSync(pickle);
    const at = bytes.indexOf('max_seq_id') + 'max_seq_id'.length + 1;
    if (bytes[at] !== 0x4d) throw new Error('the position is not a number of two bytes');
    const file = openSync(pickle, 'r+');
    const insert = db.prepare("INSERT INTO embeddings_queue (operation, topic, id, metadata) VALUES (1, ?, 'nobody', '{}')");
    const record = db.prepare('UPDATE max_seq_id SET seq_id = ? WHERE segment_id = ?');
    const pause = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    const save = () => {
      db.exec('BEGIN IMMEDIATE');
      const last = Number(insert.run(topic).lastInsertRowid);
      const position = Buffer.alloc(8);
      position.writeBigUInt64BE(BigInt(last));
      record.run(position, segment);
      const number = Buffer.alloc(2);
      number.writeUInt16LE(last);
      writeSync(file, number, 0, 2, at + 1);
      pause(60);
      db.exec('COMMIT');
      setTimeout(save, 100);
    };
    save()`;
}

describe('a process that is in the middle of saving an index', () => {
  it('raises no alarm', async () => {
    const dir = await unpacked('0.5.5');
    const alone = await check(dir);
    await startedProcess(heldUp(dir));
    expect(alarmsIn(await check(dir))).toEqual(alarmsIn(alone));
  });

  it('and goes no further leaves an index that is damaged', async () => {
    const dir = await unpacked('0.5.5');
    const alone = await check(dir);
    const { pid = 0 } = await startedProcess(heldUp(dir));
    process.kill(pid, 'SIGSTOP');
    expect(alarmsIn(await check(dir))).not.toEqual(alarmsIn(alone));
  });
});

describe('a process that never stops writing', () => {
  it('raises no alarm, whatever moment it is met at', async () => {
    const dir = await unpacked('0.5.5');
    const alone = await check(dir);
    await startedProcess(saving(dir));
    for (let look = 0; look < 8; look += 1) {
      const beside = await check(dir, ...(look % 2 === 0 ? [] : ['--deep', '--while-running']));
      expect(alarmsIn(beside)).toEqual(alarmsIn(alone));
      expect(beside.exitCode).toBe(0);
    }
    expect(readdirSync(join(dir)).filter((name) => /-(wal|shm)$/.test(name))).toEqual([]);
  });
});
