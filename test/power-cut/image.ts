/**
 * An ext4 file system in a file. What the kernel has written to the file so far is what a power cut would leave: a copy
 * of it, mounted, is the machine after the power came back.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const MIB = 64;
// Without auto_da_alloc ext4 does not write a file's data before a rename over another file, as most file systems do
// not: a missing fsync shows. The long commit interval keeps the kernel from saving by chance what was not asked for.
const OPTIONS = 'loop,noauto_da_alloc,commit=300';

export interface Image {
  readonly path: string;
  readonly mountPoint: string;
}

/** Makes an empty image in `folder` and mounts it until the test ends. */
export function madeImage(folder: string): Image {
  const path = join(folder, 'disk.img');
  execFileSync('truncate', ['-s', `${MIB}M`, path]);
  execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', path]);
  return mounted(path, join(folder, 'mounted'));
}

/** Makes an empty file system that can share blocks between files, and mounts it until the test ends. */
export function madeCloningImage(folder: string): Image {
  const [path, mountPoint] = [join(folder, 'disk.img'), join(folder, 'mounted')];
  execFileSync('truncate', ['-s', '512M', path]);
  execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', path]);
  return mounted(path, mountPoint, 'loop');
}

/** The disk as a power cut would leave it now. Nothing is flushed for it. */
export function powerCut(image: Image, name: string): string {
  const path = `${image.path}.${name}`;
  cpSync(image.path, path);
  return path;
}

/** Mounts an image until the test ends; the file system plays its own journal back. */
export function mounted(path: string, mountPoint: string, options = OPTIONS): Image {
  mkdirSync(mountPoint);
  execFileSync('mount', ['-o', options, path, mountPoint]);
  onTestFinished(() => void execFileSync('umount', ['--lazy', mountPoint]));
  return { path, mountPoint };
}
