/**
 * wal config: what the setting of Chroma's own purge is. Reads only, to the byte.
 */
import { examineAutoPurge, type AutoPurgeReading } from '../../chroma/auto-purge.ts';
import { readLastSeqId } from '../../chroma/embeddings-queue.ts';
import type { Schema } from '../../chroma/model.ts';
import type { PersistDir } from '../../chroma/persist-dir.ts';
import { readSchema } from '../../chroma/schema.ts';
import { NO_ROW } from '../../chroma/seq-id.ts';
import type { Host } from '../../host/host.ts';
import { withReadOnly } from '../../sqlite/open.ts';
import { READ_WAIT_MS } from '../guard-context.ts';
import { namingHolders } from '../in-use.ts';
import { locateToLook, LOOK_AGAIN } from '../looking.ts';

export interface AutoPurgeSetting extends AutoPurgeReading {
  readonly dir: PersistDir;
  readonly schema: Schema;
  /** True where the queue has no row: that is what Chroma decides by where nothing is decided yet. */
  readonly isQueueEmpty: boolean;
}

/** Reads the setting. Works on a read-only mount and beside a running server. */
export async function readAutoPurgeSetting(path: string, host: Host): Promise<AutoPurgeSetting> {
  const located = await locateToLook(path, host);
  const { dir } = located;
  const read = (): AutoPurgeSetting =>
    withReadOnly(dir.databasePath, READ_WAIT_MS, (db) => {
      const schema = readSchema(db, dir.databasePath);
      return { dir, schema, ...examineAutoPurge(db, schema), isQueueEmpty: readLastSeqId(db) === NO_ROW };
    });
  return namingHolders(located, read, LOOK_AGAIN);
}
