import type { DirectoryPlan } from '../../operations/planning.ts';
import { selectionOptions } from '../../operations/target.ts';
import { shellWord } from '../../shell-word.ts';
import { printable } from './printable.ts';

/** One that prunes what this plan prunes, and no more; beside a server where this plan is made beside one. */
export function pruningCommandOn(
  plan: DirectoryPlan,
  command: 'prune' | 'vacuum',
  ...options: readonly string[]
): string {
  const { allow } = plan.target;
  const beside = command === 'prune' && allow.whileRunning ? ['--while-running'] : [];
  return commandOn(plan, command, ...selectionOptions(plan.target), ...beside, ...options);
}

/** A command line on the plan's directory that can be pasted. */
export function commandOn({ dir }: Pick<DirectoryPlan, 'dir'>, command: string, ...options: readonly string[]): string {
  return printable(['chroma-maint', command, shellWord(dir.given), ...options].join(' '));
}
