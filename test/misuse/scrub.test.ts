/** Where scrub cannot do what it promises: it says so, and nothing is changed. */
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { damagedPage, databaseOf, hotJournal } from '../support/damage.ts';
import { droppedFullText } from '../support/full-text-damage.ts';
import { temporaryDirectory, unpacked } from '../support/fixtures.ts';
import { IDLE_CHROMA, NOBODY } from '../support/holders.ts';
import { runawayLinkLists } from '../support/index-damage.ts';
import { holdingOpen } from '../support/process.ts';
import { unprivileged } from '../support/program.ts';
import { run } from '../support/run.ts';
import { phraseFile, scrub } from '../support/scrub.ts';
import { onSmallDisk } from '../support/small-disk.ts';
import { bytesOf, otherFilesOf, rowsOf } from '../support/state.ts';

interface FailureJson {
  readonly code: string;
  readonly message: string;
  readonly details: readonly string[];
  readonly hint: string;
  readonly changed: boolean;
}

async function refusal(argv: readonly string[], host = {}): Promise<FailureJson> {
  const { stderr, stdout } = await run(['scrub', ...argv, '--json', '--quiet'], {}, host);
  expect(stdout).toBe('');
  return JSON.parse(stderr) as FailureJson;
}

function notPermitted(): never {
  throw new Error('EPERM');
}

describe('a scrub is refused, with nothing changed,', () => {
  it('beside a process that has the directory open, by its name', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const holder = await holdingOpen(databaseOf(dir));
    const before = bytesOf(dir);
    const { code, details, changed } = await refusal([dir, '--yes']);
    expect({ code, changed }).toEqual({ code: 'IN_USE', changed: false });
    expect(details.join('\n')).toContain(`pid ${holder.pid}`);
    expect(bytesOf(dir)).toEqual(before);
  });

  it.each([
    ['that it is not the only one is not proved', { probeLease: () => 'refused' }, 'IN_USE'],
    [
      'the directory is on a network file system, even if that was allowed',
      { fileSystemOf: () => ({ name: 'nfs', isNetwork: true, device: 1n }) },
      'UNSAFE_PLACE',
    ],
  ])('where %s', async (_, host, expected) => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = bytesOf(dir);
    const { code, hint } = await refusal([dir, '--yes', '--allow-network-fs'], { holdersOf: () => NOBODY, ...host });
    expect(code).toBe(expected);
    expect(hint).not.toContain('--mode');
    expect(bytesOf(dir)).toEqual(before);
  });

  it('where the new file cannot have the old owner, or somebody came meanwhile, with a hint that it can take', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const before = bytesOf(dir);
    const isWritten = (): boolean => existsSync(join(dir, 'chroma.sqlite3.chroma-maint-rebuild'));
    for (const [host, expected] of [
      [{ probeLease: () => 'granted', copyAttributes: notPermitted }, 'NOT_WRITABLE'],
      [{ probeLease: () => (isWritten() ? 'refused' : 'granted') }, 'IN_USE'],
    ] as const) {
      const { code, hint } = await refusal([dir, '--yes'], { holdersOf: () => NOBODY, ...host });
      expect(code).toBe(expected);
      expect(hint).not.toContain('--mode');
      // The time of the directory itself is that of the new file, which was there and is gone.
      expect([...bytesOf(dir)].slice(1)).toEqual([...before].slice(1));
    }
  });

  it('where the full-text table is missing, with the command that makes it', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    droppedFullText(dir);
    const before = bytesOf(dir);
    expect(await refusal([dir, '--yes'])).toMatchObject({
      code: 'CORRUPT',
      hint: expect.stringContaining('chroma-maint fts rebuild'),
    });
    expect(bytesOf(dir)).toEqual(before);
  });

  it('where a page is damaged, or a journal is hot', async () => {
    const damaged = await unpacked('0.6.3-purge-off');
    damagedPage(damaged, 'embedding_metadata');
    const files = otherFilesOf(damaged);
    expect(await refusal([damaged, '--yes'])).toMatchObject({ code: 'CORRUPT', changed: false });
    expect(otherFilesOf(damaged)).toEqual(files);
    const hot = await unpacked('0.5.5');
    hotJournal(hot);
    expect(await refusal([hot, '--yes'])).toMatchObject({ code: 'HOT_JOURNAL', changed: false });
  });

  it('without a terminal and without --yes', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    expect(await refusal([dir])).toMatchObject({ code: 'USAGE' });
  });

  it('on a disk that has no room for the new file', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const rows = rowsOf(dir);
    const { status, stderr, after } = onSmallDisk(dir, 64, ['scrub', 'persist', '--yes']);
    expect(status, stderr).toBe(15);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'NO_SPACE', changed: false });
    expect(rowsOf(after)).toEqual(rows);
  });
});

describe('phrases', () => {
  it.each([
    ['too short', ['a phrase that is long enough', 'short'], 'the phrase in line 2 of'],
    ['that say nothing', ['aaaaaaaaaaaaaaaaaaaaaaaaaaaa'], 'the phrase in line 1 of'],
    ['none', ['', '   '], 'there is no phrase in'],
  ])('%s are refused', async (_, phrases, message) => {
    const dir = await unpacked('0.6.3-purge-off');
    const failure = await refusal([dir, '--yes', '--phrases', phraseFile(phrases)]);
    expect(failure).toMatchObject({ code: 'USAGE', message: expect.stringContaining(message) });
    expect(JSON.stringify(failure)).not.toContain('aaaaaaa');
  });

  it('in a file that is not there, or a directory, are refused', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    for (const file of [join(dir, 'nowhere'), dir]) {
      expect(await refusal([dir, '--yes', '--phrases', file])).toMatchObject({ code: 'USAGE' });
    }
  });

  it('are counted without empty lines, and may end in CR LF', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const file = phraseFile(['first phrase, which is nowhere\r', '', '\r', 'Document 61: fjord pine delta\r']);
    const { json } = await scrub(dir, ['--dry-run', '--phrases', file]);
    expect(json.searched.phrases).toBe(2);
    expect(new Set(json.searched.traces.flatMap(({ phrases }) => phrases))).toEqual(new Set([2]));
  });
});

describe('a file of phrases', () => {
  it('may begin with a byte order mark', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { json } = await scrub(dir, ['--dry-run', '--phrases', phraseFile(['\uFEFF61: fjord pine delta'])]);
    expect(json.searched.traces.some(({ phrases }) => phrases.includes(1))).toBe(true);
  });
});

describe('what is to be searched as well', () => {
  it('has to be a directory', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    for (const other of [databaseOf(dir), join(dir, 'nowhere')]) {
      expect(await refusal([dir, '--yes', '--also', other])).toMatchObject({ code: 'USAGE' });
    }
  });

  it('may have files and directories that cannot be read: they are named, and the rest is searched', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    for (const path of [others, dirname(dir)]) chmodSync(path, 0o755);
    mkdirSync(join(others, 'locked'), { mode: 0o000 });
    writeFileSync(join(others, 'secret'), 'x', { mode: 0o000 });
    writeFileSync(join(others, 'open'), 'the phrase in the open file');
    const argv = ['--dry-run', '--json', '--phrases', phraseFile(['the phrase in the open file']), '--also', others];
    const { stdout, stderr } = unprivileged('scrub', dir, ...argv);
    const { searched } = JSON.parse(stdout || stderr) as { searched: Record<string, readonly object[]> };
    expect(searched['unsearchable']).toEqual([
      { root: others, path: 'locked', because: expect.stringContaining('EACCES') },
      { root: others, path: 'secret', because: expect.stringContaining('EACCES') },
    ]);
    expect(searched['traces']).toContainEqual(expect.objectContaining({ root: others, path: 'open', phrases: [1] }));
  });

  it('is not followed out of the directory by a link, which is named, and a hole of a terabyte is not read', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const outside = join(temporaryDirectory(), 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'the phrase that is outside');
    symlinkSync(outside, join(dir, 'link'));
    symlinkSync(join(outside, 'file'), join(dir, 'link-to-file'));
    runawayLinkLists(dir, 'notes', 2 ** 40);
    const { json } = await scrub(dir, ['--dry-run', '--phrases', phraseFile(['the phrase that is outside'])]);
    expect(json.searched.traces.filter(({ phrases }) => phrases.length > 0)).toEqual([]);
    expect(json.searched.unsearchable).toMatchObject([
      { path: 'link', because: 'symbolic link' },
      { path: 'link-to-file', because: 'symbolic link' },
      { path: expect.stringContaining('link_lists.bin'), because: 'a hole of 1.00 TiB' },
    ]);
  });
});

describe('a link', () => {
  it('to what is searched anyway is not named, nor is one that leads nowhere', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    writeFileSync(join(others, 'file'), 'the phrase that is found once');
    symlinkSync(join(others, 'file'), join(others, 'again'));
    symlinkSync(databaseOf(dir), join(others, 'database'));
    symlinkSync(join(others, 'nowhere'), join(others, 'broken'));
    const argv = ['--dry-run', '--also', others, '--phrases', phraseFile(['the phrase that is found once'])];
    const { searched } = (await scrub(dir, argv)).json;
    expect(searched.unsearchable).toEqual([]);
    expect(searched.traces.filter(({ root }) => root === others).map(({ path }) => path)).toEqual(['file']);
  });
});

describe('the persist directory', () => {
  it('is refused as another one to search, and so is what it is in and what is in it', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    mkdirSync(join(dir, 'below'));
    const before = bytesOf(dir);
    for (const other of [dir, dirname(dir), join(dir, 'below')]) {
      for (const mode of ['--yes', '--dry-run']) {
        const { code, hint } = await refusal([dir, mode, '--also', other]);
        expect(code).toBe('USAGE');
        expect(hint).toContain('--also');
      }
    }
    expect(bytesOf(dir)).toEqual(before);
  });
});

describe('a name of a file', () => {
  it('is printed with its control characters made visible, and why it was not searched as well', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const others = temporaryDirectory();
    symlinkSync(dirname(dirname(dir)), join(others, 'a\u001B[31mred'));
    const phrases = phraseFile(['a phrase that is nowhere']);
    const { stdout } = await run(['scrub', dir, '--dry-run', '--also', others, '--phrases', phrases], { columns: 200 });
    expect(stdout).toContain('red (symbolic link)');
    expect(stdout).not.toContain('\u001B[31m');
  });
});

describe('a dry run', () => {
  it('beside a server says what it would be refused for, and searches', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { exitCode, json } = await scrub(dir, ['--dry-run'], { holdersOf: () => IDLE_CHROMA });
    expect(exitCode).toBe(3);
    expect(json.searched.texts).toBeGreaterThan(0);
  });

  it('names no text and, redacted, no collection', async () => {
    const dir = await unpacked('0.6.3-purge-off');
    const { stdout } = await run(['scrub', dir, '--dry-run', '--redact'], { columns: 100 });
    const { stdout: json } = await run(['scrub', dir, '--dry-run', '--redact', '--json']);
    expect(stdout + json).not.toMatch(/notes|ledger|Document \d/);
    expect(stdout).toMatch(/WAL rows of .*collection-[0-9a-f]{8}/);
  });
});
