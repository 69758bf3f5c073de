import type { OnBytes } from '../../repository/file-content.ts';
import type { Observer } from '../observer.ts';

/** Of so many parts each is told. */
const TELLINGS = 200;

/** Tells `observer` how many of the bytes of `files` were read so far. */
export function counter(
  { files }: { readonly files: readonly { readonly size: number }[] },
  { onBytes }: Pick<Observer, 'onBytes'>,
): OnBytes {
  const all = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  let told = 0;
  return (bytes) => {
    done += bytes;
    // Every telling is a message to another process.
    if (done - told < all / TELLINGS && done < all) return;
    told = done;
    onBytes(done, all);
  };
}
