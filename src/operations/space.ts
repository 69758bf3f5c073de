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

/** Asks for the free bytes of each file system that one of the `directories` is on. */
export async function freeByDevice(directories: readonly string[], host: Host): Promise<ReadonlyMap<bigint, number>> {
  const byDevice = new Map(directories.map((directory) => [host.fileSystemOf(directory).device, directory]));
  const free = [...byDevice].map(async ([device, directory]) => [device, await host.freeBytes(directory)] as const);
  return new Map(await Promise.all(free));
}

/** Throws NO_SPACE where a file system has less free than all needs on it together. */
export function verifySpace({ host, free: freeBytes, needs, whenShort, dir }: PlannedContext): GuardNote {
  const short: string[] = [];
  for (const need of needsByFileSystem(needs, (path) => host.fileSystemOf(path).device)) {
    const free = freeBytes.get(host.fileSystemOf(need.directory).device) ?? 0;
    if (free < need.bytes) {
      short.push(
        `needs ${formatBytes(need.bytes)} in ${need.directory} (has ${formatBytes(free)}) for ${need.purposes.join(' and ')}`,
      );
    }
  }
  if (short.length === 0) return null;
  throw new MaintError('NO_SPACE', {
    message: `not enough free space for ${dir.given}`,
    details: short,
    hint: whenShort,
  });
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
