/**
 * Free space for what a plan is about to write, on every file system it writes to, from the plan's own numbers.
 */
import { MaintError } from '../errors.ts';
import { formatBytes } from '../units.ts';
import type { GuardNote, PlannedContext, SpaceNeed } from './guard-context.ts';

interface FileSystemNeed {
  readonly directory: string;
  readonly purposes: readonly string[];
  readonly bytes: number;
}

/** Throws NO_SPACE where a file system has less free than all needs on it together. */
export async function verifySpace({ host, needs, whenShort, dir }: PlannedContext): Promise<GuardNote> {
  const short: string[] = [];
  for (const need of needsByFileSystem(needs, (path) => host.fileSystemOf(path).device)) {
    const free = await host.freeBytes(need.directory);
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
