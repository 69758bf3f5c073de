/**
 * manifest.json: what a snapshot holds. Its name carries a hash of it, so a manifest that was changed is not believed.
 */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { MaintError, messageOf } from '../errors.ts';
import { compactTime } from '../units.ts';

const MANIFEST_SCHEMA = 'chroma-maint/manifest@1';

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Time = v.pipe(v.string(), v.isoTimestamp());
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const SafePath = v.pipe(v.string(), v.check(isSafePath, 'a path that leads out of the snapshot'));
const Kept = { mode: v.pipe(Count, v.maxValue(0o7777)), uid: Count, gid: Count, mtime: Time };

const ManifestFile = v.object({ path: SafePath, size: Count, allocated: Count, sha256: Sha256, ...Kept });
const ManifestDirectory = v.object({ path: v.union([v.literal(''), SafePath]), ...Kept });

const ManifestCollection = v.object({
  id: v.string(),
  name: v.string(),
  tenant: v.nullable(v.string()),
  database: v.nullable(v.string()),
  records: Count,
  walRows: Count,
  prunableRows: Count,
  watermark: v.nullable(v.string()),
  /** Over the rows that matter: equal before and after a prune or a vacuum. */
  contentSha256: Sha256,
});

const Manifest = v.object({
  schema: v.literal(MANIFEST_SCHEMA),
  time: Time,
  /** Counts the snapshots of a repository, whatever its clock says. */
  number: v.pipe(Count, v.minValue(1)),
  /** Name of the snapshot before this one of the same source. */
  previous: v.nullable(v.string()),
  toolVersion: v.string(),
  source: v.object({ path: v.string(), wasInUse: v.boolean() }),
  /** What the source was, in words of the tool that knows. */
  contents: v.object({
    generation: v.string(),
    lastSeqId: v.string(),
    contentSha256: Sha256,
    collections: v.array(ManifestCollection),
  }),
  directories: v.array(ManifestDirectory),
  files: v.array(ManifestFile),
  leftOut: v.array(v.object({ path: v.string(), kind: v.string() })),
});

export type Manifest = v.InferOutput<typeof Manifest>;
export type ManifestFile = v.InferOutput<typeof ManifestFile>;
export type ManifestDirectory = v.InferOutput<typeof ManifestDirectory>;
export type ManifestCollection = v.InferOutput<typeof ManifestCollection>;
export type SnapshotContents = Manifest['contents'];

/** The text of a manifest, whose hash becomes the snapshot's id. */
export function formatManifest(manifest: Omit<Manifest, 'schema'>): string {
  return `${JSON.stringify({ schema: MANIFEST_SCHEMA, ...manifest }, null, 1)}\n`;
}

/** `20261121T201415Z-1a2b3c4d`: when the snapshot was made, and the beginning of the hash of its manifest. */
export function snapshotName(time: string, text: string): string {
  return `${compactTime(time)}-${shortHash(text)}`;
}

const SNAPSHOT_NAME = /^\d{8}T\d{6}Z-([0-9a-f]{8})$/;

/** The short id of a snapshot with this name; undefined where it is no snapshot's. */
export function snapshotId(name: string): string | undefined {
  return SNAPSHOT_NAME.exec(name)?.[1];
}

/**
 * Parses the manifest of the snapshot `name`. Throws CORRUPT where it is not the one that was written with it, and
 * UNSUPPORTED_SCHEMA where a newer chroma-maint wrote it.
 */
export function parseManifest(name: string, text: string): Manifest {
  if (shortHash(text) !== snapshotId(name)) throw damaged(name, 'it is not the one that the snapshot was made with');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(name, messageOf(error));
  }
  const schema = v.safeParse(v.object({ schema: v.string() }), value);
  if (schema.success && schema.output.schema !== MANIFEST_SCHEMA) throw newer(name, schema.output.schema);
  const parsed = v.safeParse(Manifest, value);
  if (!parsed.success) throw damaged(name, v.summarize(parsed.issues).split('\n').slice(0, 2).join(' ').trim());
  const paths = [...parsed.output.directories, ...parsed.output.files].map(({ path }) => path);
  if (new Set(paths).size !== paths.length) throw damaged(name, 'a path is named twice');
  return parsed.output;
}

function isSafePath(path: string): boolean {
  return !path.includes('\0') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function damaged(name: string, detail: string): MaintError {
  return new MaintError('CORRUPT', {
    message: `the manifest of snapshot ${name} is damaged`,
    details: [detail],
    hint: 'use another snapshot; see them with: chroma-maint backup list <repo>',
  });
}

function newer(name: string, schema: string): MaintError {
  return new MaintError('UNSUPPORTED_SCHEMA', {
    message: `snapshot ${name} was made by a newer chroma-maint`,
    details: [`its manifest is of the kind ${schema}`],
    hint: 'use that version or a later one',
  });
}
