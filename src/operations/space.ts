/**
 * Free space for what a plan is about to write, on every file system it writes to, from the plan's own numbers.
 */
import { MaintError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { formatBytes } from '../units.ts';
import type { GuardNote, PlannedContext, SpaceNeed } from './guard-context.ts';

interface FileSystemNeed {
  readonly directory: string;
  readonly purposes: readonly string[];
  readonly bytes: number;
}

/** What is asked for, where, and what is there. */
interface SpaceQuestion extends Pick<PlannedContext, 'host' | 'free' | 'needs' | 'alternatives' | 'whenShort'> {
  readonly dir: { readonly given: string };
}

/** Asks for the free bytes of each file system that one of the `directories` is on. */
export async function freeByDevice(directories: readonly string[], host: Host): Promise<ReadonlyMap<bigint, number>> {
  const byDevice = new Map(directories.map((directory) => [host.fileSystemOf(directory).device, directory]));
  const free = [...byDevice].map(async ([device, directory]) => [device, await host.freeBytes(directory)] as const);
  return new Map(await Promise.all(free));
}

/**
 * Throws NO_SPACE where a file system has less free than all needs on it together, with what every other way would need
 * and the first one that fits.
 */
export function verifySpace(question: SpaceQuestion): GuardNote {
  const { needs, alternatives, whenShort, dir } = question;
  const sums = sumsByFileSystem(question, needs);
  if (sums.every(isThere)) return null;
  const others = alternatives.map((other) => ({ ...other, sums: sumsByFileSystem(question, other.needs) }));
  const fitting = others.find((other) => other.sums.every(isThere));
  throw new MaintError('NO_SPACE', {
    message: `not enough free space for ${dir.given}`,
    details: [
      `it needs ${sums.map(described).join(' and ')}`,
      ...others.map((other) => `${other.title} would need ${other.sums.map(described).join(' and ')}`),
    ],
    hint: fitting === undefined ? whenShort : `${fitting.offer}; or ${whenShort}`,
  });
}

/** Throws NO_SPACE where there is no room for one thing that is to be written for `dir`. */
export async function verifyRoom(
  dir: SpaceQuestion['dir'],
  need: SpaceNeed,
  whenShort: string,
  host: Host,
): Promise<void> {
  const free = await freeByDevice([need.directory], host);
  verifySpace({ dir, host, free, needs: [need], alternatives: [], whenShort });
}

interface FileSystemSum extends FileSystemNeed {
  readonly free: number;
}

function sumsByFileSystem({ host, free }: SpaceQuestion, needs: readonly SpaceNeed[]): readonly FileSystemSum[] {
  const deviceOf = (path: string): bigint => host.fileSystemOf(path).device;
  return needsByFileSystem(needs, deviceOf).map((need) => ({
    ...need,
    free: free.get(deviceOf(need.directory)) ?? 0,
  }));
}

function isThere({ bytes, free }: FileSystemSum): boolean {
  return bytes <= free;
}

function described({ bytes, free, directory, purposes }: FileSystemSum): string {
  return `${formatBytes(bytes)} in ${directory} (has ${formatBytes(free)}) for ${purposes.join(' and ')}`;
}

/** Adds up the needs of directories that share a file system. */
export function needsByFileSystem(
  needs: readonly SpaceNeed[],
  deviceOf: (directory: string) => bigint,
): readonly FileSystemNeed[] {
  const byDevice = new Map<bigint, FileSystemNeed>();
  for (const { directory, bytes, purpose } of needs) {
    const device = deviceOf(directory);
    const sum = byDevice.get(device);
    byDevice.set(device, {
      directory: sum?.directory ?? directory,
      purposes: [...(sum?.purposes ?? []), purpose],
      bytes: (sum?.bytes ?? 0) + bytes,
    });
  }
  return [...byDevice.values()];
}
