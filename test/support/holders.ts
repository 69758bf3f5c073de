/**
 * What a look at the other processes of a machine finds, for tests that cannot or need not have real ones.
 */
import type { HolderScan } from '../../src/host/host.ts';

export const NOBODY: HolderScan = { holders: [], unreadable: 0, isSupported: true, isWholeMachine: true };

export const IDLE_CHROMA: HolderScan = {
  ...NOBODY,
  holders: [{ pid: 1, user: 'chroma', command: 'chroma run', openFiles: 1, hasDatabaseOpen: true }],
};
