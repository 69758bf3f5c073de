/** Work beside a server, and what becomes of a directory meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../src/host/host.ts';
import { unpacked } from './fixtures.ts';
import { NOBODY } from './holders.ts';

export interface OnlineJson {
  readonly changed: boolean;
  readonly collections: readonly {
    readonly id: string;
    readonly name: string;
    readonly prunable: number;
    readonly deleted: number;
    readonly skip: { readonly reason: string; readonly message: string; readonly needsAttention: boolean } | null;
  }[];
  readonly totals: { readonly prunable: number; readonly deleted: number };
  readonly online: { readonly transactions: number; readonly left: readonly string[] } | null;
}

/** A directory whose index files have not been written to for a while, as those of a server that is idle. */
export async function still(name: string): Promise<string> {
  const dir = await unpacked(name);
  await delay(150);
  return dir;
}

/** What becomes of a directory while it is worked on: `at` is called before each transaction, counted from 1. */
export function meanwhile(at: (transaction: number) => void): Partial<Host> {
  // The first two looks are those of the guards and of the first transaction.
  let looks = 0;
  return {
    holdersOf() {
      looks += 1;
      if (looks > 1) at(looks - 1);
      return NOBODY;
    },
  };
}
