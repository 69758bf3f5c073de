import { describe, expect, it } from 'vitest';
import {
  EXIT_BUG,
  EXIT_CODE,
  EXIT_DONE,
  EXIT_NEEDS_ATTENTION,
  MaintError,
  messageOf,
  NOTHING_CHANGED,
  systemErrorCode,
  type ErrorCode,
} from '../src/errors.ts';

const CODES = Object.keys(EXIT_CODE) as ErrorCode[];

describe('exit codes', () => {
  it('tell every failure from every other, from success, from findings and from a bug', () => {
    // What a command was pointed at is not what it works on: one exit code for both kinds of directories.
    const { NOT_A_REPOSITORY, ...others } = EXIT_CODE;
    expect(NOT_A_REPOSITORY).toBe(EXIT_CODE.NOT_A_PERSIST_DIR);
    const all = [...Object.values(others), EXIT_DONE, EXIT_NEEDS_ATTENTION, EXIT_BUG];
    expect(new Set(all).size).toBe(all.length);
  });

  it('fit into a process’s exit status and stay below what a shell uses for signals, Ctrl-C excepted', () => {
    const { INTERRUPTED, ...others } = EXIT_CODE;
    expect(INTERRUPTED).toBe(128 + 2);
    for (const code of [...Object.values(others), EXIT_NEEDS_ATTENTION, EXIT_BUG]) {
      expect(Number.isInteger(code) && code > 0 && code < 126).toBe(true);
    }
  });

  it.each(CODES)('of %s is that of the table', (code) => {
    expect(new MaintError(code, { message: 'm', hint: 'h' }).exitCode).toBe(EXIT_CODE[code]);
  });
});

describe('a failure', () => {
  it('says that nothing was changed unless it is told otherwise', () => {
    const failure = new MaintError('FAILED', { message: 'it broke', hint: 'mend it' });
    expect(failure).toMatchObject({ message: 'it broke', hint: 'mend it', details: [], state: NOTHING_CHANGED });
    expect([failure.changed, failure.name, failure instanceof Error, 'cause' in failure]).toEqual([
      false,
      'MaintError',
      true,
      false,
    ]);
  });

  it('counts as a change as soon as it describes another state, and keeps cause and details', () => {
    const cause = new Error('why');
    const failure = new MaintError('FAILED', { message: 'm', hint: 'h', state: 'half', details: ['d'], cause });
    expect([failure.changed, failure.state, failure.cause, failure.details]).toEqual([true, 'half', cause, ['d']]);
  });
});

describe('anything that is thrown', () => {
  it.each([
    [new Error('an error'), 'an error'],
    [new MaintError('USAGE', { message: 'a failure', hint: '' }), 'a failure'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [7n, '7'],
  ])('has a message: %s', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });

  it('has a system error code only where it is an error with one', () => {
    expect(systemErrorCode(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT');
    for (const thrown of [
      new Error('x'),
      Object.assign(new Error('x'), { code: 7 }),
      { code: 'ENOENT' },
      null,
      'ENOENT',
    ]) {
      expect(systemErrorCode(thrown)).toBeUndefined();
    }
  });
});
