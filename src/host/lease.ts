import { spawnSync } from 'node:child_process';

/** What the kernel says to the question whether anybody else has a file open. */
export type Lease = 'granted' | 'refused' | 'unknown';

// F_SETLEASE 1024 with F_WRLCK 1: the kernel grants it only where the file has no other open description, on the whole
// machine, whatever namespace or user that is in. Released at once by F_UNLCK 2. Node.js has no fcntl.
const PROBE = `
  open(my $file, "<&=", 3) or exit 1;
  if (fcntl($file, 1024, 1)) { fcntl($file, 1024, 2); print "granted" }
  elsif ($!{EAGAIN}) { print "refused" }`;

const TIMEOUT_MS = 5_000;

/** Asks for a write lease on an open file and gives it back. `unknown` where that cannot be asked: no perl, no Linux. */
export function probeLease(descriptor: number): Lease {
  if (process.platform !== 'linux') return 'unknown';
  const { status, stdout } = spawnSync('perl', ['-MErrno', '-e', PROBE], {
    stdio: ['ignore', 'pipe', 'ignore', descriptor],
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return status === 0 && (stdout === 'granted' || stdout === 'refused') ? stdout : 'unknown';
}
