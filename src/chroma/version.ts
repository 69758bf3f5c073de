/**
 * Versions of Chroma, as its releases are numbered.
 */
export type ChromaVersion = readonly [major: number, minor: number, patch: number];

const VERSION = /^(\d{1,4})\.(\d{1,4})\.(\d{1,4})/;

/** The version that `text` begins with. Throws a RangeError, a bug, where there is none. */
export function versionIn(text: string): ChromaVersion {
  const [, major, minor, patch] = VERSION.exec(text) ?? [];
  if (patch === undefined) throw new RangeError(`${text} does not begin with a version`);
  return [Number(major), Number(minor), Number(patch)];
}

/** True where `version` was released before `other`, by their numbers. */
export function isBefore(version: ChromaVersion, other: ChromaVersion): boolean {
  const at = version.findIndex((part, index) => part !== other[index]);
  return at >= 0 && (version[at] ?? 0) < (other[at] ?? 0);
}
