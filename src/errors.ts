/**
 * The one table of failures an operator can meet, and the exit code of each.
 * Exit codes are public API: README.md, `--help` and docs/JSON.md repeat this table and a test compares them.
 */
export const EXIT_CODE = {
  FAILED: 1,
  USAGE: 2,
  NOT_A_PERSIST_DIR: 10,
  NOT_A_REPOSITORY: 10,
  IN_USE: 11,
  HOT_JOURNAL: 12,
  UNSUPPORTED_SCHEMA: 13,
  CORRUPT: 14,
  NO_SPACE: 15,
  PLAN_STALE: 16,
  TARGET_EXISTS: 17,
  NATIVE_BINDING: 18,
  NOT_WRITABLE: 19,
  UNSAFE_PLACE: 20,
  INTERRUPTED: 130,
} as const;

/** Exit code of a run that worked, and of one that worked but left something for a person to look at. */
export const EXIT_DONE = 0;
export const EXIT_NEEDS_ATTENTION = 3;
/** Exit code of anything that is not in {@link EXIT_CODE}: a bug of ours. */
export const EXIT_BUG = 70;

export type ErrorCode = keyof typeof EXIT_CODE;

/** Every exit code that a run can end with. */
export type ExitCode = (typeof EXIT_CODE)[ErrorCode] | typeof EXIT_DONE | typeof EXIT_NEEDS_ATTENTION | typeof EXIT_BUG;

/** What every failure tells the operator: the fact, where, what state the data is in, the remedy. */
export interface FailureText {
  /** One sentence: what is wrong, and where. */
  readonly message: string;
  /** More facts, one a line: who holds the lock, which bytes are missing. */
  readonly details?: readonly string[];
  /** The state the data is in now. Left out, it is {@link NOTHING_CHANGED}. */
  readonly state?: string;
  /** What to do about it, a command where there is one. */
  readonly hint: string;
  readonly cause?: unknown;
}

export const NOTHING_CHANGED = 'nothing was changed';

/** An expected failure. Anything else that is thrown is a bug and ends with exit code 70. */
export class MaintError extends Error {
  override readonly name = 'MaintError';
  readonly code: ErrorCode;
  readonly details: readonly string[];
  readonly state: string;
  readonly hint: string;

  constructor(code: ErrorCode, text: FailureText) {
    super(text.message, text.cause === undefined ? undefined : { cause: text.cause });
    this.code = code;
    this.details = text.details ?? [];
    this.state = text.state ?? NOTHING_CHANGED;
    this.hint = text.hint;
  }

  get exitCode(): number {
    return EXIT_CODE[this.code];
  }

  /** The same failure after something was written first: `state` says what. One that says more itself stays as it is. */
  withState(state: string): MaintError {
    const { code, message, details, hint } = this;
    return this.changed ? this : new MaintError(code, { message, details, state, hint, cause: this });
  }

  /** The same failure with one more fact. */
  withDetail(detail: string): MaintError {
    const { code, message, details, state, hint } = this;
    return new MaintError(code, { message, details: [...details, detail], state, hint, cause: this });
  }

  /** False only where nothing at all was written. */
  get changed(): boolean {
    return this.state !== NOTHING_CHANGED;
  }
}

/** The message of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The system error code (`ENOENT`, `EACCES`, …) of a failed call into the operating system, if it has one. */
export function systemErrorCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
