/**
 * The machine: the effects that tests may fake, and nothing else. SQLite and the files of the persist directory are
 * real in every test.
 */
import type { KeptAttributes } from './attributes.ts';
import type { Lease } from './lease.ts';

export interface Host {
  now(): Date;
  readonly environment: NodeJS.ProcessEnv;
  /** The user this process acts as. */
  userId(): number;
  /** The groups this process is in. */
  groupIds(): readonly number[];
  /** Free bytes that this user can write to on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
  fileSystemOf(path: string): FileSystem;
  /** Processes that have a file below `directory` open or serve it, other than those of `except`. */
  holdersOf(directory: string, except: readonly number[]): HolderScan;
  /** Processes that have the file with this identity open, wherever its name is gone to. */
  holdersOfFile(file: FileIdentity, except: readonly number[]): HolderScan;
  /** Bytes of the files without a name that `pid` has open, as SQLite's temporary files are; null where none can be seen. */
  unnamedFileBytes(pid: number): number | null;
  /** Asks the kernel whether anybody else on this machine has the open file `descriptor` open. */
  probeLease(descriptor: number): Lease;
  /** What {@link Host.copyAttributes} can keep on this machine. */
  attributesKept(): KeptAttributes;
  /** Gives `to` the owner, group and mode of `from`, and what else of its attributes can be kept. */
  copyAttributes(from: string, to: string): void;
  /** Makes `to` a file that shares its blocks with `from` until one of them changes. False where that cannot be done. */
  clone(from: string, to: string): boolean;
  /** Makes what was written to a file or directory survive a power loss. Changes no byte of it. */
  sync(path: string): void;
  /**
   * Begins to do the same for a file, while something else goes on. Only for speed: who relies on it calls
   * {@link Host.sync}, and what fails here fails there too.
   */
  syncAhead(path: string): Promise<void>;
  /** The same for everything on the file system of `path`. Returns false where that cannot be asked for. */
  syncFileSystem(path: string): boolean;
}

export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
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
  /** True where the scan saw every process there is: in a container it sees that container's only. */
  readonly isWholeMachine: boolean;
}
