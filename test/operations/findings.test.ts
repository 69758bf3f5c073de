import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { realHost } from '../../src/host/real-host.ts';
import { check } from '../../src/operations/check/check.ts';
import {
  finding,
  FINDING_GROUPS,
  FINDING_TEXTS,
  isCommand,
  presented,
  textsOf,
} from '../../src/operations/findings/findings.ts';
import type { FindingKind } from '../../src/operations/findings/kinds.ts';
import type { FindingText } from '../../src/operations/findings/texts.ts';
import { on, SILENT } from '../support/agreed.ts';
import { COMMANDS, commandLinesIn, fullName, optionsOf } from '../support/command-tree.ts';
import { unpacked } from '../support/fixtures.ts';

const KINDS = Object.keys(FINDING_TEXTS) as FindingKind[];
const FORMAT = readFileSync(join(import.meta.dirname, '../../docs/FORMAT.md'), 'utf8');

/** Everything that a text says to be run. */
function commandsOf({ remedy, steps = [] }: FindingText): readonly string[] {
  return [...(isCommand(remedy) ? [remedy] : []), ...steps.flatMap(({ command }) => command ?? [])];
}

/** Everything that it says in words. */
function sentencesOf({ title, means, matters, remedy, steps = [] }: FindingText): readonly string[] {
  return [title, means, matters, ...(isCommand(remedy) ? [] : [remedy]), ...steps.map(({ text }) => text)];
}

describe('findings as they are shown', () => {
  it('come most severe first, otherwise as they were found', () => {
    const found = [
      finding('in-use', 'pid 1', ''),
      finding('orphan-topic', 'b', ''),
      finding('pickle-missing', 'c', ''),
      finding('orphan-topic', 'a', ''),
      finding('hot-journal', 'd', ''),
    ];
    expect(presented(found, '/srv').map(({ subject }) => subject)).toEqual(['c', 'd', 'b', 'a', 'pid 1']);
  });

  it.each([
    ['/srv/chroma', 'chroma-maint clean /srv/chroma'],
    ['my dir', "chroma-maint clean 'my dir'"],
    ["it's", "chroma-maint clean 'it'\\''s'"],
    ['$& {dir}', "chroma-maint clean '$& {dir}'"],
  ])('name the directory %s in their commands as one word of a shell', (given, remedy) => {
    expect(presented([finding('orphan-segment-dir', 'a', '')], given)).toMatchObject([{ remedy }]);
  });

  it('name the directory that a copy was made of, where they were found in the copy', async () => {
    const path = await unpacked('0.5.5');
    const request = { path, source: '/srv/chroma', isDeep: false, isWhileRunning: false, redact: false };
    const { findings } = await check(request, on(realHost), SILENT);
    expect(findings.find(({ id }) => id === 'orphan-segment-dir')?.remedy).toBe('chroma-maint clean /srv/chroma');
  });

  it('leave no place of the directory open, whatever the kind', () => {
    for (const kind of KINDS) {
      const { remedy, steps = [] } = textsOf(kind, '/srv/chroma');
      expect(remedy + steps.map(({ text, command }) => text + command).join(' '), kind).not.toMatch(/[{}]/);
    }
  });
});

describe('every kind', () => {
  it('is in one group, and no group has another', () => {
    expect(FINDING_GROUPS.flatMap(({ kinds }) => kinds).toSorted()).toEqual(KINDS.toSorted());
  });

  it.each(KINDS)('%s says what to do in commands that the program has', (kind) => {
    const text = FINDING_TEXTS[kind];
    for (const command of commandsOf(text).filter(isCommand)) {
      const found = commandLinesIn(command);
      expect(found.length, command).toBe(command === 'chroma-maint --version' ? 0 : 1);
      for (const { name, options } of found)
        expect(optionsOf(name), command).toEqual(expect.arrayContaining([...options]));
    }
  });

  it.each(KINDS)('%s names only commands and options that the program has', (kind) => {
    const all = COMMANDS.map(fullName);
    const names = all.map((name) => name.split(' ')[0]);
    const options = all.flatMap((name) => optionsOf(name) ?? []);
    const text = sentencesOf(FINDING_TEXTS[kind]).join('\n');
    const words = [...text.matchAll(/chroma-maint ([a-z]+)/g)].map(([, word = '']) => word);
    expect(words.filter((word) => word !== 'that' && !names.includes(word))).toEqual([]);
    // --path is how Chroma itself is told its directory, too.
    expect(
      [...text.matchAll(/--[a-z-]+/g)].map(([option]) => option).filter((option) => !options.includes(option)),
    ).toEqual([]);
  });

  it.each(KINDS)('%s speaks in sentences, and says nothing twice', (kind) => {
    const sentences = sentencesOf(FINDING_TEXTS[kind]);
    for (const sentence of sentences) {
      expect(sentence).toMatch(/[.:]$/);
      expect(sentence).toMatch(/^[A-Z"]|^[a-z_]+[ .]/);
      expect(sentence).not.toMatch(/ {2}|\s$|`/);
    }
    const parts = sentences.flatMap((sentence) => sentence.split(/(?<=[.:;])\s+/));
    expect(new Set(parts).size).toBe(parts.length);
  });

  it.each(KINDS)('%s leads to headings of docs/FORMAT.md', (kind) => {
    for (const heading of FINDING_TEXTS[kind].sources?.format ?? []) expect(FORMAT).toContain(`\n## ${heading}\n`);
  });

  it('has a title of its own', () => {
    const titles = KINDS.map((kind) => FINDING_TEXTS[kind].title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
