/**
 * Every SQLite migration Chroma ever released, and the releases that leave each combination of them. The md5 is that
 * of the migration's SQL text, as Chroma stores it in `migrations.hash` (0.4.0 chromadb/db/migrations.py). The Python
 * and the Rust copies of a file are byte-identical. Newest release read: 1.5.9.
 */
import type { Generation, MigrationVersions } from './model.ts';

export type MigrationDir = 'embeddings_queue' | 'sysdb' | 'metadb';

interface KnownMigration {
  readonly filename: string;
  /** More than one where Chroma edited a released file: metadb/1 of 0.4.0 names a tokenizer, that of 0.4.1 does not. */
  readonly md5: readonly string[];
}

/** metadb/1 as 0.4.0 alone wrote it: no other release can open such a directory. */
export const METADB_1_OF_0_4_0 = '70f0dbf83da2f428f30d78b7d994cbbb';

/** By folder, in the order of their versions, the first being version 1. */
export const MIGRATIONS: Readonly<Record<MigrationDir, readonly KnownMigration[]>> = {
  embeddings_queue: [
    known('00001-embeddings', 'd3755dfd232be8e8301f4d7fcfb3a486'),
    known('00002-embeddings-queue-config', '8fbfe4ffb3e57f1d8bfdc58510a82e85'),
  ],
  sysdb: [
    known('00001-collections', '38352d725ad1c16074fac420b22b4633'),
    known('00002-segments', '2913cb6a503055a95f625448037e8912'),
    known('00003-collection-dimension', '42d22d0574d31d419c2a0e7f625c93aa'),
    known('00004-tenants-databases', '048867ce8fcdefe4023c7110e4433591'),
    known('00005-remove-topic', 'b1367c826b8fba5f96f27befdc1d42d2'),
    known('00006-collection-segment-metadata', '4eea7468935bf25d4604a0fed2366116'),
    known('00007-collection-config', '1c7e63bba346a42a18b6ab7f1c989bed'),
    known('00008-maintenance-log', '0a0e7e93111a01789addf64961c6127c'),
    known('00009-segment-collection-not-null', '054355aef9e63702bf54ea29e61563f1'),
    known('00010-collection-schema', '5c3a5ac4b79df76799b4721827ed5e1d'),
  ],
  metadb: [
    known('00001-embedding-metadata', '2b4cf52c4bb2676e21d6860a4409f856', METADB_1_OF_0_4_0),
    known('00002-embedding-metadata', '12a570f7121b3a8ce750a2a7c36da20f'),
    known('00003-full-text-tokenize', 'f97ad6334aeaa8f419f01110b648b97a'),
    known('00004-metadata-indices', 'fb36603a45ee2cd0254cef3ef86585e8'),
    known('00005-max-seq-id-int', '0e9de46758761b373ce682925edcc326'),
    known('00006-metadata-array-support', 'e026f01ea92c1baa1493f4ad5ca7cfe7'),
  ],
};

interface Release {
  readonly generation: Generation;
  readonly writtenBy: string;
  readonly versions: MigrationVersions;
}

/**
 * The combinations that releases leave behind, oldest first. Python migrates folder by folder and not atomically, so a
 * combination that is not here is an upgrade that was cut off.
 */
export const RELEASES: readonly Release[] = [
  release('A', '0.4.1 to 0.4.3', 1, 3, 1),
  release('A', '0.4.4 or 0.4.5', 1, 3, 2),
  release('A', '0.4.6 to 0.4.14', 1, 3, 3),
  release('B', '0.4.15 to 0.4.24', 1, 4, 3),
  release('C', '0.5.0', 1, 5, 3),
  release('C', '0.5.1 to 0.5.3', 1, 6, 3),
  release('C', '0.5.4 or 0.5.5', 1, 7, 3),
  release('D', '0.5.6 to 0.6.3', 2, 9, 4),
  release('E', '1.0.0 to 1.2.2', 2, 9, 5),
  release('F', '1.3.0 to 1.4.1', 2, 10, 5),
  release('F', '1.5.0 or later', 2, 10, 6),
];

/** The release that shares its migration numbers with 0.4.1 but not the text of metadb/1. */
export const FIRST_RELEASE: Release = release('A0', '0.4.0', 1, 3, 1);

function known(name: string, ...md5: readonly string[]): KnownMigration {
  return { filename: `${name}.sqlite.sql`, md5 };
}

function release(
  generation: Generation,
  writtenBy: string,
  embeddingsQueue: number,
  sysdb: number,
  metadb: number,
): Release {
  return { generation, writtenBy, versions: { embeddingsQueue, sysdb, metadb } };
}
