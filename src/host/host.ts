/**
 * The machine: the effects that tests may fake, and nothing else. SQLite and the files of the persist directory are
 * real in every test.
 */
export interface Host {
  now(): Date;
  readonly environment: NodeJS.ProcessEnv;
  /** The user this process acts as. */
  userId(): number;
  /** Free bytes that this user can write to on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
  fileSystemOf(path: string): FileSystem;
  /** Processes that have a file below `directory` open or serve it, other than those of `except`. */
  holdersOf(directory: string, except: readonly number[]): HolderScan;
  /** Makes what was written to a file or directory survive a power loss. Changes no byte of it. */
  sync(path: string): void;
}

export interface FileSystem {
  /** As people call it: `ext4`, `nfs`; `unknown` where the machine does not say. */
  readonly name: string;
  /** True where locks and renames cross a network or a user-space server, and cannot be relied on. */
  readonly isNetwork: boolean;
  /** Which file system this is, to tell whether two paths share their free space. */
  readonly device: bigint;
}

export interface Holder {
  readonly pid: number;
  readonly user: string;
  readonly command: string;
  /** Files of the directory it has open; empty where only its command line names the directory. */
  readonly openFiles: number;
  readonly hasDatabaseOpen: boolean;
}

export interface HolderScan {
  readonly holders: readonly Holder[];
  /** Processes that may not be looked into. Unknown is never "none". */
  readonly unreadable: number;
  /** False on systems without /proc: nothing could be looked at. */
  readonly isSupported: boolean;
}
