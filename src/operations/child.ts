/**
 * The working process. better-sqlite3 can neither be interrupted nor report progress, and a JavaScript signal handler
 * runs only after the statement has ended; so every step that writes runs in a child, in a process group of its own and
 * without signal handlers, which the parent can end at any moment. SQLite rolls back what the child leaves.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MaintError, type ErrorCode } from '../errors.ts';
import { TEMP_DIR_VARIABLE } from '../sqlite/temp-dir.ts';
import type { Execution, Job, ReportOf } from './job.ts';
import type { Planned, Stage } from './observer.ts';

/** A job on its way, with the process that counts as the same run. */
export interface Errand {
  readonly job: Job;
  readonly parent: number;
}

export type ChildMessage =
  | { readonly kind: 'planned'; readonly planned: Planned }
  | { readonly kind: 'stage'; readonly stage: Stage }
  | { readonly kind: 'bytes'; readonly done: number; readonly all: number }
  | { readonly kind: 'done'; readonly report: ReportOf<Job> }
  | { readonly kind: 'failed'; readonly failure: ChildFailure }
  | { readonly kind: 'bug'; readonly stack: string };

/** A MaintError as it crosses the process boundary. */
export interface ChildFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: readonly string[];
  readonly state: string;
  readonly hint: string;
}

/** The child was ended before it had finished. What state that leaves is for the caller to find out. */
export class WorkEnded extends Error {
  override readonly name = 'WorkEnded';
  readonly because: 'interrupted' | 'timeout' | 'killed';

  constructor(because: WorkEnded['because'], detail: string) {
    super(detail);
    this.because = because;
  }
}

const END_AGAIN_MS = 500;

// The same relative path from src/ and from dist/.
const ENTRY = fileURLToPath(new URL('../../bin/chroma-maint-child.js', import.meta.url));

/**
 * Runs `job` in a child and returns its report. Throws the child's MaintError, or WorkEnded where it was ended by
 * `execution` or by somebody else; it returns or throws only after the child is gone.
 */
export async function runInChild<J extends Job>(job: J, execution: Execution): Promise<ReportOf<J>> {
  if (execution.signal.aborted) throw new WorkEnded('interrupted', 'before it began');
  const child = fork(ENTRY, {
    detached: true,
    execArgv: [],
    serialization: 'advanced',
    env: { ...process.env, ...(execution.tempDir === null ? {} : { [TEMP_DIR_VARIABLE]: execution.tempDir }) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  if (child.pid !== undefined) execution.onStarted(child.pid);
  let because: WorkEnded['because'] = 'killed';
  let again: NodeJS.Timeout | undefined;
  const end = (reason: WorkEnded['because']) => (): void => {
    because = reason;
    child.kill('SIGTERM');
    // A scrub that overwrites the old file does not hear it, nor later that it was sent meanwhile.
    again ??= setInterval(() => child.kill('SIGTERM'), END_AGAIN_MS);
  };
  const onAbort = end('interrupted');
  const timer = execution.timeoutMs === null ? undefined : setTimeout(end('timeout'), execution.timeoutMs);
  execution.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { last, exit } = await conversation(child, job, execution);
    if (last === undefined) throw new WorkEnded(because, exit);
    switch (last.kind) {
      case 'done':
        return last.report as ReportOf<J>;
      case 'failed':
        throw new MaintError(last.failure.code, last.failure);
      case 'bug':
        throw Object.assign(new Error('the working process failed'), { stack: last.stack });
    }
  } finally {
    clearTimeout(timer);
    clearInterval(again);
    execution.signal.removeEventListener('abort', onAbort);
  }
}

interface Conversation {
  readonly last: Exclude<ChildMessage, { kind: 'stage' | 'bytes' | 'planned' }> | undefined;
  /** How the child ended, for a message. */
  readonly exit: string;
}

function conversation(child: ChildProcess, job: Job, execution: Execution): Promise<Conversation> {
  return new Promise((resolve, reject) => {
    let last: Conversation['last'];
    child.on('message', (message: ChildMessage) => {
      if (message.kind === 'stage') execution.onStage(message.stage);
      else if (message.kind === 'bytes') execution.onBytes(message.done, message.all);
      else if (message.kind === 'planned') execution.onPlanned(message.planned);
      else last = message;
    });
    child.once('error', reject);
    // "close" comes after the last message has been read, "exit" may come before it.
    child.once('close', (code, signal) => resolve({ last, exit: signal ?? `exit code ${code}` }));
    const errand: Errand = { job, parent: process.pid };
    child.send(errand);
  });
}
