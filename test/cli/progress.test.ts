import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Output } from '../../src/cli/io.ts';
import { growthText, startProgress } from '../../src/cli/progress.ts';

const MIB = 1024 * 1024;

function output(isTerminal: boolean, columns?: number): Output & { readonly written: readonly string[] } {
  const written: string[] = [];
  return { isTerminal, columns, written, write: (text) => void written.push(text), drained: () => Promise.resolve() };
}

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is one line on a terminal, drawn again every second and cleared at the end', () => {
    const terminal = output(true);
    const progress = startProgress(terminal, true, () => null);
    progress.stage('pruning');
    vi.advanceTimersByTime(2_000);
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(terminal.written).toHaveLength(4);
    expect(terminal.written.every((each) => each.startsWith('\r\u001B[2K'))).toBe(true);
    expect(terminal.written[1]).toContain('deleting WAL rows   1.0 s');
    expect(terminal.written[3]).toBe('\r\u001B[2K');
  });

  it('never wraps, because a line that did could not be cleared', () => {
    const narrow = output(true, 40);
    const progress = startProgress(narrow, true, () => ({ written: 100 * MIB, expected: 400 * MIB }));
    progress.stage('rebuilding');
    vi.advanceTimersByTime(5_000);
    progress.stop();
    expect(narrow.written.every((each) => each.length - '\r\u001B[2K'.length < 40)).toBe(true);
  });

  it('is one line every ten seconds in a log, with nothing that only a terminal understands', () => {
    const log = output(false);
    const progress = startProgress(log, true, () => ({ written: 100 * MIB, expected: 400 * MIB }));
    progress.stage('rebuilding');
    vi.advanceTimersByTime(25_000);
    progress.stop();
    expect(log.written).toEqual([
      'writing the new file   25 %   100.0 MiB of 400.0 MiB   10.0 MiB/s   0:30 left\n',
      'writing the new file   25 %   100.0 MiB of 400.0 MiB   5.0 MiB/s   1:00 left\n',
    ]);
  });

  it('never goes back within a stage, though a temporary file may be gone before the work is done', () => {
    const log = output(false);
    const written = [300 * MIB, 0];
    const progress = startProgress(log, true, () => ({ written: written.shift() ?? 0, expected: 400 * MIB }));
    progress.stage('vacuuming');
    vi.advanceTimersByTime(20_000);
    progress.stop();
    expect(log.written.map((each) => /(\d+) %/.exec(each)?.[1])).toEqual(['75', '75']);
  });

  it.each([true, false])(
    'is nothing where it is not wanted, but for a wait for a person (terminal: %s)',
    (isTerminal) => {
      const quiet = output(isTerminal);
      const progress = startProgress(quiet, false, () => null);
      progress.stage('rebuilding');
      vi.advanceTimersByTime(60_000);
      expect(quiet.written).toEqual([]);
      progress.stage({ waitingFor: '4121' });
      progress.stop();
      expect(quiet.written).toEqual(['done; waiting for pid 4121 to close the old database\n']);
    },
  );
});

describe('the growth of a file', () => {
  it.each([
    [{ written: 0, expected: 100 * MIB }, 5_000, '0 %   0 B of 100.0 MiB'],
    [{ written: 50 * MIB, expected: 100 * MIB }, 500, '50 %   50.0 MiB of 100.0 MiB'],
    [{ written: 50 * MIB, expected: 100 * MIB }, 5_000, '50 %   50.0 MiB of 100.0 MiB   10.0 MiB/s   0:05 left'],
    [{ written: MIB, expected: 1024 * MIB }, 1_000, '0 %   1.0 MiB of 1.00 GiB   1.0 MiB/s   17:03 left'],
    [{ written: 120 * MIB, expected: 100 * MIB }, 5_000, '99 %   120.0 MiB of 100.0 MiB   24.0 MiB/s   0:00 left'],
  ])('%o after %d ms reads %s', (growth, ms, text) => {
    expect(growthText(growth, ms)).toBe(text);
  });
});
