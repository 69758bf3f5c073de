/**
 * What an operator pointed a command at.
 */
import type { CollectionId } from '../chroma/model.ts';
import type { Retention } from '../chroma/retention.ts';
import { MaintError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { formatDuration } from '../units.ts';
import type { Allowances } from './guard-context.ts';
import { qualifiedName, type NamedCollection } from './names.ts';

/** A directory and what may be done in it. Plain data: it is handed to the child process as it is. */
export interface Target {
  readonly path: string;
  /** Only these collections, by name or id; empty means all. */
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly allow: Allowances;
  readonly skipIndexCheck: boolean;
  /** Rows that a prune leaves although they could go; null where there are none such. */
  readonly retention: Retention | null;
  /** A snapshot that is to be made first, and verified; null where none was asked for. */
  readonly backup: BackupFirst | null;
  /** How long to wait for a lock or for another process, in milliseconds. */
  readonly waitMs: number;
  /** Show hashes instead of names. */
  readonly redact: boolean;
}

export interface BackupFirst {
  readonly repository: string;
  readonly toolVersion: string;
}

/** The options by which a command takes and leaves the same rows again. A redacted one names no collection. */
export function selectionOptions({ only, exclude, retention, redact }: Target): readonly string[] {
  const named = (name: string): string => (redact ? 'NAME' : shellWord(name));
  return [
    ...only.flatMap((name) => ['--collection', named(name)]),
    ...exclude.flatMap((name) => ['--exclude', named(name)]),
    ...retentionOptions(retention),
  ];
}

/** The options that ask for the same rows to stay. */
export function retentionOptions(retention: Retention | null): readonly string[] {
  if (retention === null) return [];
  const { keepLast, keepWithin } = retention;
  return [
    ...(keepLast === null ? [] : ['--keep-last', String(keepLast)]),
    ...(keepWithin === null ? [] : ['--keep-within', formatDuration(keepWithin.spanMs)]),
  ];
}

/** Returns the collections that `only` and `exclude` leave out. Throws USAGE for a name that fits none, or several. */
export function excludedBy(
  { path, only, exclude, redact }: Pick<Target, 'path' | 'only' | 'exclude' | 'redact'>,
  collections: readonly NamedCollection[],
): ReadonlySet<CollectionId> {
  const wanted = new Set(only.map((selector) => resolve(selector, collections, { path, redact })));
  const unwanted = new Set(exclude.map((selector) => resolve(selector, collections, { path, redact })));
  const isLeftOut = (id: CollectionId): boolean => unwanted.has(id) || (wanted.size > 0 && !wanted.has(id));
  return new Set(collections.map(({ id }) => id).filter(isLeftOut));
}

/** A collection answers to its id, its name, and its name with database, or tenant and database, before it. */
function resolve(
  selector: string,
  collections: readonly NamedCollection[],
  { path, redact }: Pick<Target, 'path' | 'redact'>,
): CollectionId {
  const matches = collections.filter(({ id, name, database, tenant }) =>
    [id, name, `${database}/${name}`, `${tenant}/${database}/${name}`].includes(selector),
  );
  const [match, ...others] = matches;
  if (match === undefined) {
    throw new MaintError('USAGE', {
      message: `there is no collection ${JSON.stringify(selector)}`,
      hint: `see the names and ids with: chroma-maint inspect ${shellWord(path)}`,
    });
  }
  if (others.length > 0) {
    throw new MaintError('USAGE', {
      message: `${matches.length} collections answer to ${JSON.stringify(selector)}`,
      details: matches.map((each) => (redact ? each.id : `${qualifiedName(each)}  ${each.id}`)),
      hint: 'give tenant/database/name, or the id',
    });
  }
  return match.id;
}
