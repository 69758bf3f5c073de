import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Own version, Node's and better-sqlite3's, read from the package files so that nothing native is loaded. */
export function readVersion(): string {
  return `chroma-maint ${readOwnVersion()}, Node.js ${process.versions.node}, better-sqlite3 ${engineVersion()}`;
}

export function readOwnVersion(): string {
  return versionIn(new URL('../../package.json', import.meta.url));
}

function engineVersion(): string {
  try {
    return versionIn(createRequire(import.meta.url).resolve('better-sqlite3/package.json'));
  } catch {
    return 'not installed';
  }
}

function versionIn(path: string | URL): string {
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
