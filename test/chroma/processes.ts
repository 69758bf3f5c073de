/**
 * The processes of these tests: the program, and the interpreters that real Chroma runs in.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { PROGRAM } from '../support/program.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROCESS_TIMEOUT_MS = 120_000;

interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command; rejects where a signal ended it. */
export function finished(command: string, argumentsGiven: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...argumentsGiven],
      { cwd: ROOT, timeout: PROCESS_TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 },
      (failure, stdout, stderr) => {
        if (failure === null) resolve({ exitCode: 0, stdout, stderr });
        else if (typeof failure.code === 'number') resolve({ exitCode: failure.code, stdout, stderr });
        else reject(new Error(`${command} was ended (${failure.signal ?? failure.message}):\n${lastLines(stderr)}`));
      },
    );
  });
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n');
}

/** Runs the real program. */
export async function program(argv: readonly string[]): Promise<Finished> {
  return finished(process.execPath, [PROGRAM, ...argv]);
}

/** Runs the program on the directory, which must end well, and returns what it printed on stdout. */
export async function printed(argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await program(argv);
  expect(exitCode, `chroma-maint ${argv.join(' ')}: ${lastLines(stderr)}`).toBe(0);
  return stdout;
}
