const PLAIN = /^[\w@%+=:,./~-]+$/;

/** `text` as one word of a POSIX shell, so that a command that is printed can be pasted. Imports nothing. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
