/**
 * Backups as tests make and look at them.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Host } from '../../src/host/host.ts';
import { temporaryDirectory } from './fixtures.ts';
import { run, runJson } from './run.ts';

export interface SnapshotJson {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly newBytes: number;
  readonly files: number;
  readonly collections: number;
  readonly records: number;
  readonly verifiedAt: string | null;
}

export interface CreateJson {
  readonly snapshot: SnapshotJson;
  readonly contentSha256: string;
  readonly leftOut: readonly { readonly path: string; readonly kind: string }[];
  readonly runaways: readonly { readonly path: string; readonly bytes: number; readonly allocatedBytes: number }[];
  readonly clockSetBack: boolean;
}

/** Where a repository can be made. */
export function newRepository(): string {
  return join(temporaryDirectory(), 'repo');
}

export function create(dir: string, repository: string, host: Partial<Host> = {}): Promise<CreateJson> {
  return runJson<CreateJson>(['backup', 'create', dir, '--to', repository], host);
}

/** Restores to a new directory, which has to work, and returns it. */
export async function restored(repository: string, id = 'latest'): Promise<string> {
  const target = join(temporaryDirectory(), 'restored');
  // A slow machine has progress to tell.
  const argv = ['backup', 'restore', id, '--from', repository, '--to', target, '--no-progress'];
  const { exitCode, stderr } = await run(argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return target;
}

/** Names of the snapshots' directories, and of anything else that a run may have left in a repository. */
export function namesIn(repository: string): {
  readonly snapshots: readonly string[];
  readonly others: readonly string[];
} {
  const names = readdirSync(repository).filter(
    (name) => !['chroma-maint-repository.json', 'lock.sqlite3'].includes(name),
  );
  return {
    snapshots: names.filter((name) => /^\d{8}T\d{6}Z-[0-9a-f]{8}$/.test(name)),
    others: names.filter((name) => !/^\d{8}T\d{6}Z-[0-9a-f]{8}$/.test(name)),
  };
}

/** Replaces the manifest of a snapshot by one that its name vouches for, as somebody could who wants to deceive. */
export function forgedManifest(path: string, forge: (manifest: Record<string, unknown>) => object): string {
  const file = join(path, 'manifest.json');
  const text = JSON.stringify(forge(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>));
  writeFileSync(file, text);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 8);
  renameSync(path, path.replace(/[0-9a-f]{8}$/, id));
  return id;
}

/**
 * What a directory holds, as far as a restore gives it back: times to the millisecond, and no sizes of directories, which
 * are the file system's own.
 */
export function toTheMillisecond(bytes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    [...bytes].map(([path, state]) => {
      const inMilliseconds = state.replace(/ (\d+)\d{6} /, (_, ms: string) => ` ${ms} `);
      return [path, inMilliseconds.replace(/^(4\d+ \d+) \d+ $/, '$1')];
    }),
  );
}

/** What is in a repository without snapshots. */
export const NOTHING = { snapshots: [], others: [] };

export interface Failure {
  readonly code: string;
  readonly exitCode: number;
  readonly message: string;
  readonly details: readonly string[];
  readonly changed: boolean;
}

/** Runs a command that has to fail without a change, and returns what it says. */
export async function refusal(argv: readonly string[], host: Parameters<typeof run>[2] = {}): Promise<Failure> {
  const { exitCode, stdout, stderr } = await run([...argv, '--json'], {}, host);
  const failure = JSON.parse(stderr.split('\n').at(-2) ?? '') as Failure;
  expect({ stdout, exitCode, changed: failure.changed }).toEqual({
    stdout: '',
    exitCode: failure.exitCode,
    changed: false,
  });
  return failure;
}

export function createArgv(dir: string, repository: string): readonly string[] {
  return ['backup', 'create', dir, '--to', repository];
}

export function restoreArgv(repository: string, target: string, ...rest: readonly string[]): readonly string[] {
  return ['backup', 'restore', 'latest', '--from', repository, '--to', target, ...rest];
}
