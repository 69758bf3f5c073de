/**
 * The course of every writing command: plan, show, ask, execute, report.
 */
import { EXIT_DONE, MaintError } from '../errors.ts';
import type { Execution } from '../operations/child.ts';
import type { Check } from '../operations/guards.ts';
import { statingRecovery } from '../operations/journal.ts';
import type { DirectoryPlan } from '../operations/planning.ts';
import type { Growth } from '../operations/vacuum.ts';
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
  readonly directoryOf: (plan: Plan) => DirectoryPlan;
  /** False where executing would change nothing: then nobody is asked. */
  readonly hasWork: (plan: Plan) => boolean;
  readonly question: (plan: Plan) => string;
  readonly execute: (plan: Plan, execution: Execution) => Promise<Report>;
  /** How far a file that the execution writes has grown. */
  readonly growthOf?: (plan: Plan) => Growth | null;
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
  { io, host, finish }: CommandContext,
): Promise<void> {
  // Asked after the plan, this would come too late: a journal would have been played back by then.
  if (options.recoverJournal && !options.dryRun && !options.yes && !io.isInteractive) throw noTerminal();
  const plan = await session.plan(options.dryRun ?? false);
  const { checks, isJournalRecovered } = session.directoryOf(plan);
  const json = (value: object): void => printJson({ io, host }, value);
  if (!options.quiet) warn(checks, io);
  if (options.dryRun) {
    if (options.json) json(session.planJson(plan));
    else print(io.stdout, session.planLines(plan, viewOf(io.stdout, options.color, io)));
    finish(session.exitCodeOf(plan));
    return;
  }
  if (session.hasWork(plan) && !options.yes && !(await isAgreed(session, plan, options, io))) {
    if (options.json) json(session.planJson(plan));
    else
      print(io.stdout, [
        isJournalRecovered ? `${JOURNAL_RECOVERED}; nothing else was changed.` : 'Nothing was changed.',
      ]);
    finish(EXIT_DONE);
    return;
  }
  const started = performance.now();
  const report = await statingRecovery(isJournalRecovered, () => executed(session, plan, options, io));
  const recovery = isJournalRecovered ? [`${JOURNAL_RECOVERED}.`, ''] : [];
  const lines = (): readonly string[] =>
    session.reportLines(report, performance.now() - started, viewOf(io.stdout, options.color, io));
  if (options.json) json(session.reportJson(report));
  else print(io.stdout, [...recovery, ...lines()]);
  finish(session.exitCodeOf(plan));
}

async function isAgreed<Plan, Report>(
  session: Session<Plan, Report>,
  plan: Plan,
  options: WritingOptions,
  io: Io,
): Promise<boolean> {
  if (!io.isInteractive) throw noTerminal();
  print(io.stderr, [...session.planLines(plan, viewOf(io.stderr, options.color, io)), '']);
  return io.confirm(session.question(plan));
}

function noTerminal(): MaintError {
  return new MaintError('USAGE', {
    message: 'this changes the directory, and there is no terminal to ask on',
    hint: 'give --yes to go ahead without being asked, or --dry-run to see the plan',
  });
}

function executed<Plan, Report>(
  session: Session<Plan, Report>,
  plan: Plan,
  options: WritingOptions & { readonly tempDir?: string },
  io: Io,
): Promise<Report> {
  return io.interruptible(async (signal) => {
    const isWanted = options.progress && options.quiet !== true;
    const progress = startProgress(io.stderr, isWanted, () => session.growthOf?.(plan) ?? null);
    try {
      const { timeout = null, tempDir = null } = options;
      return await session.execute(plan, { signal, timeoutMs: timeout, tempDir, onStage: progress.stage });
    } finally {
      progress.stop();
    }
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
