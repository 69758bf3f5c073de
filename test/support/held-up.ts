/** A process that saves an index, slowly. */
import { archivedNotesOf } from './catalogue-damage.ts';
import { databaseOf, pickleOf } from './damage.ts';

/**
 * What a Chroma does that is held up while it saves an index, as happens on a busy machine: the header and the vectors are
 * there, and the list of what they are is written later. No transaction is under way meanwhile.
 */
export function heldUp(dir: string): string {
  const collection = archivedNotesOf(dir);
  const given = JSON.stringify({ database: databaseOf(dir), pickle: pickleOf(dir, collection) });
  return `
    const { openSync, readFileSync, writeFileSync } = require('node:fs');
    const { database, pickle } = ${given};
    openSync(database, 'r');
    const whole = readFileSync(pickle);
    writeFileSync(pickle, whole.subarray(0, 100));
    setTimeout(() => writeFileSync(pickle, whole), 700)`;
}
