/**
 * A directory put in the place of another, cut off at every step: whoever comes next finishes or undoes it, and never
 * is one of the two lost.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MaintError } from '../../src/errors.ts';
import type { Host } from '../../src/host/host.ts';
import { realHost } from '../../src/host/real-host.ts';
import { isHalfSwapped } from '../../src/repository/beside.ts';
import { settle, swapIn } from '../../src/repository/swap.ts';
import { temporaryDirectory } from '../support/fixtures.ts';
import { run } from '../support/run.ts';

const KILLED = new Error('killed');

interface Scene {
  readonly parent: string;
  readonly target: string;
  readonly incoming: string;
  readonly outgoing: string;
}

function scene(): Scene {
  const parent = temporaryDirectory();
  const [target, incoming] = [join(parent, 'persist'), join(parent, '.persist.chroma-maint-restore')];
  for (const [path, content] of [
    [target, 'old'],
    [incoming, 'new'],
  ] as const) {
    mkdirSync(path);
    writeFileSync(join(path, 'content'), content);
  }
  return { parent, target, incoming, outgoing: join(parent, 'persist.before') };
}

/** A machine that stops at the given sync: every step of the swap ends with one. */
function stoppingAt(count: number): Host {
  let syncs = 0;
  return {
    ...realHost,
    sync(path) {
      syncs += 1;
      if (syncs === count) throw KILLED;
      realHost.sync(path);
    },
  };
}

function contentOf(path: string): string | null {
  return existsSync(path) ? readFileSync(join(path, 'content'), 'utf8') : null;
}

describe('a swap', () => {
  it('leaves the new directory in place and keeps the old one', () => {
    const { parent, target, outgoing } = scene();
    swapIn(target, outgoing, realHost);
    expect([contentOf(target), contentOf(outgoing)]).toEqual(['new', 'old']);
    expect(readdirSync(parent).toSorted()).toEqual(['persist', 'persist.before']);
  });

  const STEPS = 5;

  it.each(Array.from({ length: STEPS }, (_, step) => [step + 1]))('that stops at sync %i is settled', (step) => {
    const { parent, target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(step))).toThrow(KILLED);
    // Never is neither of the two at hand.
    expect([contentOf(target), contentOf(outgoing)]).toContain('old');
    const settled = settle(target, realHost);
    const content = contentOf(target);
    // Before its first step nothing was begun, and after its last nothing is left to be done.
    const expected = content === 'new' ? 'finished' : 'undone';
    expect([expected, ...(step === 1 || step === STEPS ? [undefined] : [])]).toContain(settled?.kind);
    expect(contentOf(outgoing)).toBe(content === 'new' ? 'old' : null);
    expect(readdirSync(parent).toSorted()).toEqual(content === 'new' ? ['persist', 'persist.before'] : ['persist']);
    expect(settle(target, realHost)).toBeNull();
  });

  it('has no more steps than those', () => {
    const { target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(STEPS + 1))).not.toThrow();
  });

  it('during which something appears at the path stops, keeps both and says so', () => {
    const { target, incoming, outgoing } = scene();
    const host = {
      ...realHost,
      // Chroma starts in the moment in which no directory is there.
      sync(path: string) {
        if (!existsSync(target)) cpSync(incoming, target, { recursive: true });
        realHost.sync(path);
      },
    };
    expect(() => swapIn(target, outgoing, host)).toThrow(MaintError);
    expect([contentOf(incoming), contentOf(outgoing)]).toEqual(['new', 'old']);
    expect(isHalfSwapped(target)).toBe(true);
    expect(() => settle(target, realHost)).toThrow('something appeared');
    renameSync(target, `${target}.appeared`);
    expect(settle(target, realHost)).toEqual({ kind: 'finished', outgoing });
    expect(contentOf(target)).toBe('new');
  });

  it('whose journal cannot be read is left to a person', () => {
    const { parent, target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(3))).toThrow(KILLED);
    writeFileSync(join(parent, '.persist.chroma-maint-swap.json'), '{');
    expect(() => settle(target, realHost)).toThrow('cannot be read');
    expect([contentOf(target), contentOf(outgoing)]).toEqual([null, 'old']);
  });

  it('is not taken for begun because a directory of its name lies there', () => {
    const { target, incoming } = scene();
    expect(settle(target, realHost)).toBeNull();
    expect([contentOf(target), contentOf(incoming)]).toEqual(['old', null]);
  });
});

describe('a swap that was cut off between its renames', () => {
  it('is named by commands that change nothing', async () => {
    const { target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(3))).toThrow(KILLED);
    for (const argv of [
      ['inspect', target],
      ['prune', target, '--dry-run'],
    ]) {
      const { exitCode, stderr } = await run(argv);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 10,
        stderr: expect.stringContaining('a restore was cut off') as string,
      });
    }
    expect(isHalfSwapped(target)).toBe(true);
  });

  it('is found through a link to the directory, which leads nowhere then', async () => {
    const { parent, target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(3))).toThrow(KILLED);
    const link = join(parent, 'link');
    symlinkSync('persist', link);
    expect((await run(['inspect', link])).stderr).toContain('a restore was cut off');
    await run(['prune', link, '--yes']);
    expect([contentOf(target), contentOf(outgoing)]).toEqual(['new', 'old']);
  });

  it('is finished by a command that may write', async () => {
    const { target, outgoing } = scene();
    expect(() => swapIn(target, outgoing, stoppingAt(3))).toThrow(KILLED);
    // It is no persist directory, which is all that prune then finds to say.
    expect((await run(['prune', target, '--yes'])).stderr).toContain('this is not a Chroma persist directory');
    expect([contentOf(target), contentOf(outgoing)]).toEqual(['new', 'old']);
    rmSync(outgoing, { recursive: true });
    expect(isHalfSwapped(target)).toBe(false);
  });
});
