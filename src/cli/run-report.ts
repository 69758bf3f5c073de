/**
 * The course of a command that asks nothing: do it, then say what was done.
 */
import { EXIT_DONE } from '../errors.ts';
import type { Execution } from '../operations/job.ts';
import type { CommandContext } from './command-context.ts';
import { executing } from './executing.ts';
import { printJson } from './json.ts';
import type { CommonOptions } from './options.ts';
import { printable } from './render/printable.ts';
import { viewOf, type View } from './render/view.ts';

interface Course<Report> {
  readonly execute: (execution: Execution) => Promise<Report>;
  readonly warnings: (report: Report) => readonly string[];
  readonly lines: (report: Report, elapsedMs: number, view: View) => readonly string[];
  readonly json: (report: Report) => object;
  readonly exitCodeOf?: (report: Report) => number;
}

/** Runs the command and prints its report. Sets its exit code, 0 where `exitCodeOf` does not say otherwise. */
export async function runReport<Report>(
  { io, host, finish }: CommandContext,
  options: CommonOptions & { readonly timeout?: number },
  { execute, warnings, lines, json, exitCodeOf }: Course<Report>,
): Promise<void> {
  const started = performance.now();
  const report = await executing({ io, options, growthOf: () => null, onPlanned: () => undefined }, execute);
  const elapsedMs = performance.now() - started;
  if (options.quiet !== true) {
    for (const warning of warnings(report)) io.stderr.write(`warning: ${printable(warning)}\n`);
  }
  if (options.json) printJson({ io, host }, json(report));
  else io.stdout.write(`${lines(report, elapsedMs, viewOf(io.stdout, options.color, io)).join('\n')}\n`);
  finish(exitCodeOf?.(report) ?? EXIT_DONE);
}
