/**
 * The rebuild without anything that makes it safe: no plan, no guards, no verification, no proof that nobody has the
 * file open. Reads the cut-offs as JSON from stdin. What the program takes longer than this is the price of its care.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fillCopy, withCopyAttached } from '../dist/sqlite/copy.js';

const directory = process.argv[2] ?? '';
const path = join(directory, 'chroma.sqlite3');
const copy = `${path}.reference`;
const cutoffs = JSON.parse(readFileSync(0, 'utf8'));

writeFileSync(copy, '');
const db = new Database(path);
db.defaultSafeIntegers(true);
db.pragma('foreign_keys = OFF');
db.pragma('main.locking_mode = EXCLUSIVE');
db.pragma('mmap_size = 2147483648');
db.exec('CREATE TEMP TABLE cutoff (topic TEXT PRIMARY KEY, below INTEGER NOT NULL) WITHOUT ROWID');
const insert = db.prepare('INSERT INTO temp.cutoff VALUES (?, ?)');
for (const { topic, below } of cutoffs) insert.run(topic, BigInt(below));
const where = `NOT EXISTS (SELECT 1 FROM temp.cutoff WHERE cutoff.topic = embeddings_queue.topic
  AND embeddings_queue.seq_id < cutoff.below)`;
withCopyAttached(db, copy, () => {
  db.transaction(() => fillCopy(db, { table: 'embeddings_queue', where })).exclusive();
});
sync(copy);
renameSync(copy, path);
sync(directory);
db.close();

function sync(file) {
  const descriptor = openSync(file, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
