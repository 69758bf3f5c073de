/**
 * The sample directory that comes with the package: written by real Chroma 0.5.5 (fixtures/README.md).
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';
import { MaintError } from '../errors.ts';

const SAMPLE = fileURLToPath(new URL('../../demo/sample.tar.gz', import.meta.url));
/** Top folder of the archive. */
const PERSIST = 'persist';

/**
 * Unpacks the sample below `given`, or a new temporary directory, and returns its persist directory. Throws
 * TARGET_EXISTS rather than overwrite anything.
 */
export async function unpackSample(given: string | undefined): Promise<string> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'chroma-maint-demo-'));
  if (existsSync(directory) && readdirSync(directory).length > 0) {
    throw new MaintError('TARGET_EXISTS', {
      message: `the directory is not empty: ${directory}`,
      hint: 'name one that does not exist yet',
    });
  }
  mkdirSync(directory, { recursive: true });
  await extract({ file: SAMPLE, cwd: directory });
  return join(directory, PERSIST);
}
