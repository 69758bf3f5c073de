/**
 * What can still be done where there is hardly any room. A prune beside a server deletes in transactions, and the fewer
 * rows one has the smaller is its journal; with Chroma stopped it goes in the same way.
 */
export const LEAST_BATCH_ROWS = 10;

/** The options with which a prune needs the least room. */
export const LEAST_ROOM_OPTIONS: readonly string[] = ['--while-running', '--batch-rows', String(LEAST_BATCH_ROWS)];
