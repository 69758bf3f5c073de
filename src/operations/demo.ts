/**
 * The sample directory that comes with the package: written by real Chroma 0.5.5 (fixtures/README.md).
 */
import { mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { MaintError, messageOf } from '../errors.ts';

const SAMPLE = fileURLToPath(new URL('../../demo/sample.tar.gz', import.meta.url));
/** Top folder of the archive. */
const PERSIST = 'persist';

/**
 * Unpacks the sample below `given`, or a new temporary directory, and returns its persist directory. Throws
 * TARGET_EXISTS rather than overwrite anything.
 */
export async function unpackSample(given: string | undefined): Promise<string> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'chroma-maint-demo-'));
  makeEmpty(directory);
  await extract({ file: SAMPLE, cwd: directory });
  return join(directory, PERSIST);
}

function makeEmpty(directory: string): void {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return make(directory);
  if (stat.isDirectory() && readdirSync(directory).length === 0) return;
  throw new MaintError('TARGET_EXISTS', {
    message: `${stat.isDirectory() ? 'the directory is not empty' : 'this is a file'}: ${directory}`,
    hint: 'name a directory that does not exist yet',
  });
}

function make(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (cause) {
    throw new MaintError('FAILED', {
      message: `the directory cannot be made: ${directory}`,
      details: [messageOf(cause)],
      hint: 'name a directory whose parent exists and may be written to',
      cause,
    });
  }
}
