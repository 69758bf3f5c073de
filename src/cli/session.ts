/**
 * The course of every writing command: plan, show, ask, execute, report.
 */
import { EXIT_DONE, MaintError } from '../errors.ts';
import type { Check } from '../operations/guards.ts';
import type { Execution } from '../operations/job.ts';
import type { Planned } from '../operations/observer.ts';
import { carryingOut } from './carried-out.ts';
import type { CommandContext } from './command-context.ts';
import type { Io, Output } from './io.ts';
import { printJson } from './json.ts';
import type { AskingOptions } from './options.ts';
import { executing, type GrowthOf } from './executing.ts';
import { printable } from './render/printable.ts';
import { viewOf, type View } from './render/view.ts';

/** What one verb brings to the course. */
export interface Session<Plan, Report> {
  readonly plan: (isDryRun: boolean) => Promise<Plan>;
  /** Executes what was agreed to, or where nobody is asked (null) what is planned under the lock. */
  readonly execute: (agreed: Plan | null, execution: Execution) => Promise<Report>;
  /** How far a file has grown that process `pid` writes; null where there is none. */
  readonly growthOf: GrowthOf;
  /** Loaded late: while another process works there is time for it. */
  readonly loadWords: () => Promise<Words<Plan, Report>>;
}

/** How a verb speaks of its plan and its report. */
export interface Words<Plan, Report> {
  /** The guards of the plan, for what they warn of. */
  readonly checksOf: (plan: Plan) => readonly Check[];
  /** True where a hot journal was played back before the plan was made. */
  readonly isJournalRecovered: (plan: Plan) => boolean;
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
  options: AskingOptions,
  context: CommandContext,
): Promise<void> {
  if (options.dryRun) return showPlan(session, options, context);
  if (options.yes) return executeAndReport(session, null, options, context);
  const { io } = context;
  // Asked after the plan, this would come too late: a journal would have been played back by then.
  if (options.recoverJournal && !io.isInteractive) throw noTerminal();
  const plan = await session.plan(false);
  const words = await session.loadWords();
  if (!options.quiet) warn(words.checksOf(plan), io);
  if (!words.hasWork(plan) || (await isAgreed(words, plan, options, io))) {
    return executeAndReport(session, plan, options, context);
  }
  showRefused(words, plan, options, context);
}

async function showPlan<Plan, Report>(
  session: Session<Plan, Report>,
  options: AskingOptions,
  { argv, io, host, finish }: CommandContext,
): Promise<void> {
  const plan = await session.plan(true);
  const words = await session.loadWords();
  if (!options.quiet) warn(words.checksOf(plan), io);
  if (options.json) printJson({ io, host }, words.planJson(plan));
  else {
    const view = viewOf(io.stdout, options.color, io);
    const { withCommand } = await import('./render/table.ts');
    const isOpen = words.hasWork(plan) && words.checksOf(plan).every(({ status }) => status !== 'failed');
    // What was typed has names in it.
    const command =
      isOpen && options.redact !== true ? withCommand('To carry out this plan:', carryingOut(argv), view.width) : [];
    print(io.stdout, [...words.planLines(plan, view), ...command]);
  }
  finish(words.exitCodeOf(plan));
}

function showRefused<Plan, Report>(
  words: Words<Plan, Report>,
  plan: Plan,
  options: AskingOptions,
  { io, host, finish }: CommandContext,
): void {
  const isRecovered = words.isJournalRecovered(plan);
  if (options.json) printJson({ io, host }, words.planJson(plan));
  else print(io.stdout, [isRecovered ? `${JOURNAL_RECOVERED}; nothing else was changed.` : 'Nothing was changed.']);
  finish(EXIT_DONE);
}

async function executeAndReport<Plan, Report>(
  session: Session<Plan, Report>,
  agreed: Plan | null,
  options: AskingOptions,
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
    const recovery = words.isJournalRecovered(plan) ? [`${JOURNAL_RECOVERED}.`, ''] : [];
    const view = viewOf(io.stdout, options.color, io);
    print(io.stdout, [...recovery, ...words.reportLines(report, elapsedMs, view)]);
  }
  finish(words.exitCodeOf(plan));
}

/** The words for a report, ready before it is there: while another process works there is time for that. */
async function preparedWords<Plan, Report>(
  session: Session<Plan, Report>,
  { json }: AskingOptions,
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
  options: AskingOptions,
  io: Io,
): Promise<Report> {
  let isTold = isWarned;
  const onPlanned = ({ checks }: Planned): void => {
    if (!isTold) warn(checks, io);
    isTold = true;
  };
  return executing({ io, options, growthOf: session.growthOf, onPlanned }, (execution) =>
    session.execute(agreed, execution),
  );
}

async function isAgreed<Plan, Report>(
  words: Words<Plan, Report>,
  plan: Plan,
  options: AskingOptions,
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
