import { FINDING_GROUPS, FINDING_TEXTS, textsOf, withDirectories } from '../../operations/findings/findings.ts';
import type { Step } from '../../operations/findings/texts.ts';
import { EXIT_CODE_TEXTS, EXIT_CODES, namesOf } from '../exit-codes.ts';
import type { Explained } from '../explained.ts';
import { EXIT_CODE_MEANING } from '../failure.ts';
import { EXAMPLE, issueAddress } from './explain-text.ts';

const SCHEMA = 'chroma-maint/explain@1';

/** The documented object of `explain <what> --json` (docs/JSON.md). */
export function explanationJson(explained: Explained): object {
  if (explained.kind === 'exit-code') {
    const { code } = explained;
    const { state, steps, findings = [] } = EXIT_CODE_TEXTS[code];
    return {
      schema: SCHEMA,
      kind: 'exit-code',
      exitCode: code,
      codes: namesOf(code),
      title: EXIT_CODE_MEANING[code] ?? '',
      state,
      steps: withDirectories(steps, EXAMPLE).map(stepJson),
      related: findings,
    };
  }
  const { id } = explained;
  const { severity, title, means, matters, remedy, steps = [], sources = {} } = textsOf(id, EXAMPLE);
  return {
    schema: SCHEMA,
    kind: 'finding',
    id,
    severity,
    title,
    means,
    matters,
    remedy,
    steps: steps.map(stepJson),
    format: sources.format ?? [],
    issues: (sources.issues ?? []).map(issueAddress),
  };
}

/** The documented object of `explain --json`. */
export function topicsJson(): object {
  return {
    schema: SCHEMA,
    kind: 'list',
    findings: FINDING_GROUPS.flatMap(({ title: group, kinds }) =>
      kinds.map((id) => ({ id, severity: FINDING_TEXTS[id].severity, title: FINDING_TEXTS[id].title, group })),
    ),
    exitCodes: EXIT_CODES.map((exitCode) => ({
      exitCode,
      codes: namesOf(exitCode),
      title: EXIT_CODE_MEANING[exitCode] ?? '',
    })),
  };
}

function stepJson({ text, command = null }: Omit<Step, 'command'> & { readonly command?: string | null }): object {
  return { text, command };
}
