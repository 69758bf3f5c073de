/**
 * The rebuild without anything that makes it safe: no plan, no guards, no verification, no proof that nobody has the
 * file open. Reads the cut-offs as JSON from stdin. What the program takes longer than this is the price of its care.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withRowsToKeep } from '../dist/chroma/embeddings-queue.js';
import { realHost } from '../dist/host/real-host.js';
import { fillCopy, withCopyAttached } from '../dist/sqlite/copy.js';
import { inExclusiveTransaction, keepLock, readThroughMaps, withWritable } from '../dist/sqlite/open.js';
import { createRebuiltFile, putInPlace } from '../dist/sqlite/rebuilt-file.js';

const directory = process.argv[2] ?? '';
const path = join(directory, 'chroma.sqlite3');
const cutoffs = JSON.parse(readFileSync(0, 'utf8')).map(({ topic, below }) => ({ topic, below: BigInt(below) }));

withWritable(path, 0, (db) => {
  inExclusiveTransaction(db, () => keepLock(db));
  readThroughMaps(db);
  const copy = createRebuiltFile(path);
  withCopyAttached(db, copy, () =>
    withRowsToKeep(db, cutoffs, 0, (filter) => inExclusiveTransaction(db, () => fillCopy(db, filter))),
  );
  realHost.sync(copy);
  putInPlace(path);
  realHost.sync(directory);
});
