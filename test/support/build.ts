import { execFileSync } from 'node:child_process';

/** The child process runs the compiled program, so the tests need a build of the sources they test. */
export default function buildOnce(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
