/**
 * Writes the pages that are generated from the code, from a build: npm run docs. Another root can be named, for the
 * test that compares.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT_CODE_MEANING } from '../dist/cli/failure.js';
import { EXIT_CODES, EXIT_CODE_TEXTS, namesOf } from '../dist/cli/exit-codes.js';
import { EXAMPLE, issueAddress, stepOf } from '../dist/cli/render/explain-text.js';
import { FINDING_GROUPS, textsOf, withDirectories } from '../dist/operations/findings/findings.js';

const GENERATED =
  '<!-- Generated from src/operations/findings/ and src/cli/exit-codes.ts by npm run docs. Edit it there. -->';

const [root = join(import.meta.dirname, '..')] = process.argv.slice(2);

const pages = new Map([
  ['docs/CHECKS.md', checks()],
  ['docs/EXIT-CODES.md', exitCodes()],
  ...FINDING_GROUPS.flatMap(({ kinds }) => kinds).map((id) => [`docs/findings/${id}.md`, findingPage(id)]),
]);

// The page of a finding that is gone must not stay.
rmSync(join(root, 'docs/findings'), { recursive: true, force: true });
for (const [path, text] of pages) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function checks() {
  return page([
    '# What can be found',
    'Everything that `inspect` and `check` can say about a directory. An `info` is shown as "note". The id leads to a page that says what it means, why it matters and what to do; `chroma-maint explain <id>` prints the same without a network. What to do is said here for the directory `./persist`.',
    ...FINDING_GROUPS.flatMap(({ title, kinds }) => [
      `## ${title}`,
      table(['id', 'severity', 'what is the case', 'what to do'], kinds.map(findingRow)),
    ]),
  ]);
}

function findingRow(id) {
  const { severity, title, remedy } = textsOf(id, EXAMPLE);
  const { text, command } = stepOf(remedy);
  return [`[${id}](findings/${id}.md)`, severity, title, command === undefined ? text : `\`${command}\``];
}

function findingPage(id) {
  const { severity, title, means, matters, remedy, steps = [stepOf(remedy)], sources = {} } = textsOf(id, EXAMPLE);
  return page([
    `# ${id}`,
    `**${severity}**: ${title}`,
    '## What it means',
    means,
    '## Why it matters',
    matters,
    '## What to do',
    ...list(steps),
    '## See also',
    bullets([
      ...(sources.format ?? []).map((heading) => `[FORMAT.md, "${heading}"](../FORMAT.md#${anchor(heading)})`),
      ...(sources.issues ?? []).map((issue) => `[${issue}](${issueAddress(issue)})`),
      '[all findings](../CHECKS.md)',
    ]),
  ]);
}

function exitCodes() {
  return page([
    '# Exit codes',
    'How each command ends, for scripts and for people. `chroma-maint explain <code>` prints the same. In JSON an error has the name as its `code`.',
    ...EXIT_CODES.flatMap((code) => {
      const { state, steps, findings = [] } = EXIT_CODE_TEXTS[code];
      const names = namesOf(code).map((name) => `\`${name}\``);
      const more = findings.map((id) => `[${id}](findings/${id}.md)`).join(', ');
      return [
        `## ${code}`,
        [...names, EXIT_CODE_MEANING[code]].join(' · '),
        `State of the data: ${state}`,
        ...list(withDirectories(steps, EXAMPLE)),
        ...(more === '' ? [] : [`More: ${more}`]),
      ];
    }),
  ]);
}

/** One step is a paragraph, several are a numbered list. */
function list(steps) {
  const [only, ...others] = steps.map(({ text, command }) => [
    ...(text === '' ? [] : [text]),
    ...(command === undefined ? [] : [`\`\`\`sh\n${command}\n\`\`\``]),
  ]);
  if (others.length === 0) return only;
  return [only, ...others].map((blocks, at) => `${at + 1}. ${blocks.map(indented).join('\n\n   ')}`);
}

function indented(block) {
  return block.replaceAll('\n', '\n   ');
}

function bullets(lines) {
  return lines.map((line) => `* ${line}`).join('\n');
}

function table(head, rows) {
  return [cells(head), `|${head.map(() => '---|').join('')}`, ...rows.map(cells)].join('\n');
}

function cells(row) {
  return `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** The anchor that GitHub and npm give a heading. */
function anchor(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

function page([title, ...blocks]) {
  return `${[title, GENERATED, ...blocks].join('\n\n')}\n`;
}
