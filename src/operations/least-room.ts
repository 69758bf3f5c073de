/**
 * What can still be done where there is hardly any room. A prune beside a server deletes in transactions, and the fewer
 * rows one has the smaller is its journal; with Chroma stopped it goes in the same way.
 */
export const LEAST_BATCH_ROWS = 10;

/** The command that needs the least room of all that stop the growth, on a directory that is a word of a shell. */
export function leastRoomCommand(dir: string): string {
  return `chroma-maint prune ${dir} --while-running --batch-rows ${LEAST_BATCH_ROWS}`;
}
