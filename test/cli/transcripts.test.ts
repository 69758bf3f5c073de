/**
 * What operators see, as Markdown that can be read and reviewed: each `$ command` in transcripts/*.md is run, and its
 * output and exit code must be what stands there. UPDATE_TRANSCRIPTS=1 writes them anew.
 */
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import * as damage from '../support/damage.ts';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { addLeftIndexes, emptyCatalog, leftBehind, loseSegments } from '../support/clean.ts';
import { damagedFullTextPage, missingFullTextRows } from '../support/full-text-damage.ts';
import { withoutCollection } from '../support/catalogue-damage.ts';
import { multiply } from '../support/multiply.ts';
import { unpacked, unpackedDemo } from '../support/fixtures.ts';
import { run, type Terminal } from '../support/run.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');

/** How the directory of a transcript is made: the words after "Directory:" in it. */
const DIRECTORIES: Readonly<Record<string, () => Promise<string>>> = {
  'the sample that comes with the package': unpackedDemo,
  'written by Chroma 0.6.3, auto-purge off': () => unpacked('0.6.3-purge-off'),
  'written by Chroma 0.5.5, the pickle of ledger cut short': async () => {
    const dir = await unpacked('0.5.5');
    damage.truncatedPickle(dir, 'ledger');
    return dir;
  },
  'written by Chroma 1.5.9, a watermark poisoned': async () => {
    const dir = await unpacked('1.5.9-purge-off');
    damage.poisonedWatermark(dir, 'ledger', 'INTEGER');
    return dir;
  },
  'written by Chroma 0.6.3, three documents missing from its full-text index': async () => {
    const dir = await unpacked('0.6.3-purge-off');
    missingFullTextRows(dir, 3);
    return dir;
  },
  'written by Chroma 0.4.24, a page of its full-text index damaged': async () => {
    const dir = await unpacked('0.4.24');
    damagedFullTextPage(dir, 'data');
    return dir;
  },
  'written by Chroma 0.6.3, two collections and a database deleted': async () => {
    const dir = await leftBehind();
    const [young = ''] = addLeftIndexes(dir, 1);
    const quarterToThree = new Date('2026-11-21T02:45:00Z');
    utimesSync(join(dir, young), quarterToThree, quarterToThree);
    damage.orphanTopic(dir, 'drafts');
    return dir;
  },
  'written by Chroma 0.6.3, no collection in its catalogue': async () => {
    const dir = await leftBehind();
    emptyCatalog(dir);
    return dir;
  },
  'written by Chroma 0.6.3, a collection without its segments': async () => {
    const dir = await leftBehind();
    loseSegments(dir, 'drafts');
    return dir;
  },
  'written by Chroma 0.5.7, which has purged rows of other collections': () => unpacked('0.5.7-purge-on'),
  'written by Chroma 1.5.9, nothing deleted and everything saved': async () => {
    const dir = await unpacked('1.5.9-purge-on');
    withoutCollection(dir, 'drafts');
    await run(['clean', dir, '--yes', '--min-age', '0s', '--delete']);
    return dir;
  },
  'written by Chroma 0.6.3, damaged in many ways': async () => {
    const dir = await unpacked('0.6.3-purge-on');
    multiply(dir, 'drafts', 4);
    damage.missingPickle(dir, 'ledger');
    damage.truncatedPickle(dir, 'notes');
    damage.damagedPage(dir, 'collection_metadata');
    return dir;
  },
  'with a hot journal': async () => {
    const dir = await unpacked('0.5.5');
    damage.hotJournal(dir);
    return dir;
  },
};

const TERMINALS: Readonly<Record<string, Terminal>> = {
  '80 columns': { columns: 80 },
  '120 columns': { columns: 120 },
  '80 columns, answered yes': { columns: 80, answer: 'yes' },
  '80 columns, answered no': { columns: 80, answer: 'no' },
};

/** What is different about the machine: the words after "Machine:", which not every transcript has. */
const MACHINES: Readonly<Record<string, Partial<Host>>> = {
  'at a quarter past three': { now: () => new Date('2026-11-21T03:15:00Z') },
  'with ext4': { fileSystemOf: (path) => ({ ...realHost.fileSystemOf(path), name: 'ext4' }) },
  'with btrfs': { fileSystemOf: (path) => ({ ...realHost.fileSystemOf(path), name: 'btrfs' }) },
  'with 600 KiB of free space': { freeBytes: () => Promise.resolve(600 * 1024) },
};

it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.md')))(
  'the transcript %s is what the program prints',
  async (name) => {
    const path = join(FOLDER, name);
    const expected = readFileSync(path, 'utf8');
    const actual = await played(expected);
    if (process.env['UPDATE_TRANSCRIPTS'] === '1') writeFileSync(path, actual);
    expect(actual).toBe(process.env['UPDATE_TRANSCRIPTS'] === '1' ? actual : expected);
  },
);

/** Runs the commands of a transcript, in order and in one directory, and returns it with what they print now. */
async function played(transcript: string): Promise<string> {
  const make = DIRECTORIES[settingOf(transcript, 'Directory')];
  const terminal = TERMINALS[settingOf(transcript, 'Terminal')];
  const machine = MACHINES[settingOf(transcript, 'Machine')];
  if (make === undefined || terminal === undefined) throw new Error('unknown directory or terminal');
  const home = process.cwd();
  process.chdir(dirname(await make()));
  try {
    const blocks = transcript.split(/```console\n([\s\S]*?)```\n/);
    // Every second part is what stood between the fences.
    for (let at = 1; at < blocks.length; at += 2)
      blocks[at] = `\`\`\`console\n${await replayed(blocks[at] ?? '', terminal, machine)}\`\`\`\n`;
    return blocks.join('');
  } finally {
    process.chdir(home);
  }
}

async function replayed(block: string, terminal: Terminal, machine: Partial<Host> = {}): Promise<string> {
  const command = block.split('\n')[0] ?? '';
  const argv = command.replace('$ chroma-maint ', '').split(' ');
  const { exitCode, stdout, stderr, questions } = await run([...argv, '--color', 'never'], terminal, machine);
  const asked = questions.map((question) => `? ${question} (y/N)\n`).join('');
  return stable(`${command}\n${stderr}${asked}${stdout}Exit code: ${exitCode}\n`);
}

/** Takes out what differs from run to run and from machine to machine: durations, steps, times, ids, temporary directories. */
function stable(text: string): string {
  return text
    .replaceAll(/ in \d+\.\d s\b/g, ' in 0.0 s')
    .replaceAll(/ \d+ transactions, (.*) \d+ ms/g, ' 12 transactions, $1 34 ms')
    .replaceAll(/\b[0-9a-f]{8}\b(?!-)/g, '1a2b3c4d')
    .replaceAll(
      /\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?/g,
      (_, seconds = '') => `2026-11-21 03:15${seconds === '' ? '' : ':00'}`,
    )
    .replaceAll(/\d{4}-\d\d-\d\d(?! \d\d:)/g, '2026-11-21')
    .replaceAll(/\S*\/persist\.before-\d{8}T\d{6}Z/g, '…/persist.before-20261121T031500Z')
    .replaceAll(/ of \/\S*\/persist/g, ' of …/persist')
    .replaceAll(/ in \/\S*\/persist/g, ' in …/persist')
    .replaceAll(/ in \/(var\/)?tmp\b/g, ' in /var/tmp')
    .replaceAll(/: \/.*\/persist/g, ': …/persist')
    .replaceAll(/ prune \/\S*\/persist/g, ' prune …/persist');
}

function settingOf(transcript: string, name: string): string {
  return new RegExp(`^${name}: (.+)$`, 'm').exec(transcript)?.[1] ?? '';
}
