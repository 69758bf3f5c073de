import { statfsSync, statSync } from 'node:fs';
import type { FileSystem } from './host.ts';

/** `f_type` magic numbers of Linux (linux/magic.h and the file systems' own sources). */
const NETWORK: ReadonlyMap<bigint, string> = new Map([
  [0x6969n, 'nfs'],
  [0x517bn, 'smb'],
  [0xff534d42n, 'cifs'],
  [0xfe534d42n, 'smb2'],
  [0x65735546n, 'fuse'],
  [0x6a656a63n, 'virtiofs'],
  [0x01021997n, '9p'],
  [0x00c36400n, 'ceph'],
  [0x5346414fn, 'afs'],
  [0x6b414653n, 'kafs'],
  [0x0bd00bd0n, 'lustre'],
  [0x47504653n, 'gpfs'],
  [0x19830326n, 'beegfs'],
  [0x73757245n, 'coda'],
  [0x01161970n, 'gfs2'],
  [0x7461636fn, 'ocfs2'],
]);

const LOCAL: ReadonlyMap<bigint, string> = new Map([
  [0xef53n, 'ext4'],
  [0x58465342n, 'xfs'],
  [0x9123683en, 'btrfs'],
  [0x2fc12fc1n, 'zfs'],
  [0x01021994n, 'tmpfs'],
  [0x794c7630n, 'overlayfs'],
  [0xf2f52010n, 'f2fs'],
  [0x4d44n, 'vfat'],
  [0x2011bab0n, 'exfat'],
]);

/** Says what kind of file system `path` is on. */
export function fileSystemOf(path: string): FileSystem {
  const device = statSync(path, { bigint: true }).dev;
  if (process.platform !== 'linux') return { name: 'unknown', isNetwork: false, device };
  // The kernel's field is signed on some machines; only its low 32 bits carry the magic number.
  const magic = BigInt.asUintN(32, statfsSync(path, { bigint: true }).type);
  const network = NETWORK.get(magic);
  return { name: network ?? LOCAL.get(magic) ?? 'unknown', isNetwork: network !== undefined, device };
}
