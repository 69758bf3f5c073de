/**
 * The course of every writing command: plan, show, ask, execute, report.
 */
import { EXIT_DONE, MaintError } from '../errors.ts';
import type { Check } from '../operations/guards.ts';
import type { Growth } from '../operations/growth.ts';
import type { Execution, Planned, Stage } from '../operations/job.ts';
import type { DirectoryPlan } from '../operations/planning.ts';
import type { CommandContext } from './command-context.ts';
import type { Io, Output } from './io.ts';
import { printJson } from './json.ts';
import type { WritingOptions } from './options.ts';
import { startProgress } from './progress.ts';
import { printable } from './render/printable.ts';
import { viewOf, type View } from './render/view.ts';

/** What one verb brings to the course. */
export interface Session<Plan, Report> {
  readonly plan: (isDryRun: boolean) => Promise<Plan>;
  /** Executes what was agreed to, or where nobody is asked (null) what is planned under the lock. */
  readonly execute: (agreed: Plan | null, execution: Execution) => Promise<Report>;
  /** How far a file has grown that process `pid` writes; null where there is none. */
  readonly growthOf: (stage: Stage, pid: number, expectedBytes: number) => Growth | null;
  /** Loaded late: while another process works there is time for it. */
  readonly loadWords: () => Promise<Words<Plan, Report>>;
}

/** How a verb speaks of its plan and its report. */
export interface Words<Plan, Report> {
  readonly directoryOf: (plan: Plan) => DirectoryPlan;
  readonly planOf: (report: Report) => Plan;
  /** False where executing would change nothing: then nobody is asked. */
  readonly hasWork: (plan: Plan) => boolean;
  readonly question: (plan: Plan) => string;
  readonly exitCodeOf: (plan: Plan) => number;
  readonly planLines: (plan: Plan, view: View) => readonly string[];
  readonly reportLines: (report: Report, elapsedMs: number, view: View) => readonly string[];
  readonly planJson: (plan: Plan) => object;
  readonly reportJson: (report: Report) => object;
}

const JOURNAL_RECOVERED = 'The hot journal was played back, as --recover-journal asked';

export async function runSession<Plan, Report>(
  session: Session<Plan, Report>,
  options: WritingOptions & { readonly tempDir?: string },
  context: CommandContext,
): Promise<void> {
  if (options.dryRun) return showPlan(session, options, context);
  if (options.yes) return executeAndReport(session, null, options, context);
  const { io } = context;
  // Asked after the plan, this would come too late: a journal would have been played back by then.
  if (options.recoverJournal && !io.isInteractive) throw noTerminal();
  const plan = await session.plan(false);
  const words = await session.loadWords();
  if (!options.quiet) warn(words.directoryOf(plan).checks, io);
  if (!words.hasWork(plan) || (await isAgreed(words, plan, options, io))) {
    return executeAndReport(session, plan, options, context);
  }
  showRefused(words, plan, options, context);
}

async function showPlan<Plan, Report>(
  session: Session<Plan, Report>,
  options: WritingOptions,
  { io, host, finish }: CommandContext,
): Promise<void> {
  const plan = await session.plan(true);
  const words = await session.loadWords();
  if (!options.quiet) warn(words.directoryOf(plan).checks, io);
  if (options.json) printJson({ io, host }, words.planJson(plan));
  else print(io.stdout, words.planLines(plan, viewOf(io.stdout, options.color, io)));
  finish(words.exitCodeOf(plan));
}

function showRefused<Plan, Report>(
  words: Words<Plan, Report>,
  plan: Plan,
  options: WritingOptions,
  { io, host, finish }: CommandContext,
): void {
  const isRecovered = words.directoryOf(plan).isJournalRecovered;
  if (options.json) printJson({ io, host }, words.planJson(plan));
  else print(io.stdout, [isRecovered ? `${JOURNAL_RECOVERED}; nothing else was changed.` : 'Nothing was changed.']);
  finish(EXIT_DONE);
}

async function executeAndReport<Plan, Report>(
  session: Session<Plan, Report>,
  agreed: Plan | null,
  options: WritingOptions & { readonly tempDir?: string },
  { io, host, finish }: CommandContext,
): Promise<void> {
  const started = performance.now();
  // A plan that was shown was shown with its warnings.
  const isWarned = agreed !== null || options.quiet === true;
  const [report, words] = await Promise.all([
    executed(session, agreed, isWarned, options, io),
    preparedWords(session, options),
  ]);
  const elapsedMs = performance.now() - started;
  const plan = words.planOf(report);
  if (options.json) printJson({ io, host }, words.reportJson(report));
  else {
    const recovery = words.directoryOf(plan).isJournalRecovered ? [`${JOURNAL_RECOVERED}.`, ''] : [];
    const view = viewOf(io.stdout, options.color, io);
    print(io.stdout, [...recovery, ...words.reportLines(report, elapsedMs, view)]);
  }
  finish(words.exitCodeOf(plan));
}

/** The words for a report, ready before it is there: while another process works there is time for that. */
async function preparedWords<Plan, Report>(
  session: Session<Plan, Report>,
  { json }: WritingOptions,
): Promise<Words<Plan, Report>> {
  const words = await session.loadWords();
  if (json !== true) {
    const { prepareMeasuring } = await import('./render/table.ts');
    prepareMeasuring();
  }
  return words;
}

function executed<Plan, Report>(
  session: Session<Plan, Report>,
  agreed: Plan | null,
  isWarned: boolean,
  options: WritingOptions & { readonly tempDir?: string },
  io: Io,
): Promise<Report> {
  return io.interruptible(async (signal) => {
    const worker = { pid: 0, expectedBytes: 0 };
    const growth = (stage: Stage): Growth | null => session.growthOf(stage, worker.pid, worker.expectedBytes);
    const progress = startProgress(io.stderr, options.progress && options.quiet !== true, growth);
    const { timeout = null, tempDir = null } = options;
    const observer = {
      onStarted(pid: number) {
        worker.pid = pid;
      },
      onPlanned({ checks, expectedBytes }: Planned) {
        worker.expectedBytes = expectedBytes;
        if (!isWarned) warn(checks, io);
      },
      onStage: progress.stage,
    };
    try {
      return await session.execute(agreed, { signal, timeoutMs: timeout, tempDir, ...observer });
    } finally {
      progress.stop();
    }
  });
}

async function isAgreed<Plan, Report>(
  words: Words<Plan, Report>,
  plan: Plan,
  options: WritingOptions,
  io: Io,
): Promise<boolean> {
  if (!io.isInteractive) throw noTerminal();
  print(io.stderr, [...words.planLines(plan, viewOf(io.stderr, options.color, io)), '']);
  return io.confirm(words.question(plan));
}

function noTerminal(): MaintError {
  return new MaintError('USAGE', {
    message: 'this changes the directory, and there is no terminal to ask on',
    hint: 'give --yes to go ahead without being asked, or --dry-run to see the plan',
  });
}

function warn(checks: readonly Check[], io: Io): void {
  for (const check of checks) {
    if (check.status === 'passed' && check.note?.severity === 'warning')
      io.stderr.write(`warning: ${printable(check.note.text)}\n`);
  }
}

function print(output: Output, lines: readonly string[]): void {
  output.write(`${lines.join('\n')}\n`);
}
