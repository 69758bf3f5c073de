import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { runInChild } from '../../src/operations/child.ts';
import type { PruneJob } from '../../src/operations/job.ts';
import { agreed, SILENT } from '../support/agreed.ts';
import { databaseOf } from '../support/damage.ts';
import { unpacked } from '../support/fixtures.ts';
import { seqIdsOf } from '../support/state.ts';

/** Those that this test has started and that have not ended. */
function workingProcesses(): readonly number[] {
  const children = readFileSync('/proc/thread-self/children', 'utf8').match(/\d+/g) ?? [];
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('chroma-maint-child'))
    .map(Number);
}

function processGroupOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is a name in parentheses, which may hold any character; state, parent and group follow it.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

describe('the working process', () => {
  it('is in a process group of its own, which Ctrl-C on a terminal does not reach', async () => {
    const dir = await unpacked('0.5.5');
    const before = seqIdsOf(dir);
    const plan = await agreed(dir);
    const job: PruneJob = { ...plan, request: { ...plan.request, target: { ...plan.request.target, waitMs: 30_000 } } };
    // Keeps the working process at work until it has been looked at.
    const other = new Database(databaseOf(dir));
    other.exec('BEGIN IMMEDIATE');
    const seen: (readonly [pid: number, group: number])[] = [];
    const onStage = (stage: unknown): void => {
      if (stage !== 'checking') return;
      seen.push(...workingProcesses().map((pid) => [pid, processGroupOf(pid)] as const));
      other.exec('ROLLBACK');
      other.close();
    };
    const execution = {
      ...SILENT,
      onStarted: () => undefined,
      signal: new AbortController().signal,
      timeoutMs: null,
      tempDir: null,
      onStage,
    };
    const { deleted } = await runInChild(job, execution);

    expect(seen).toHaveLength(1);
    expect(seen[0]?.[1]).toBe(seen[0]?.[0]);
    expect(seqIdsOf(dir)).toHaveLength(before.length - deleted);
  });
});
