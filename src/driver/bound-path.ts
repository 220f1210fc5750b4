/** Socket files in the file system: ours and dead ones. No system call of our own is needed. */
import { lstatSync, unlinkSync } from 'node:fs';
import { resolve } from 'node:path';

/** A Unix path that we bound, to be removed at the end if it is still ours. */
export interface BoundPath {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

/** What stands at a path that was just bound. */
export function boundPathOf(path: string): BoundPath {
  const { dev: device, ino: inode } = lstatSync(path);
  // The program may change its directory before the path is removed.
  return { path: resolve(path), device, inode };
}

export function isSocketFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** Removes a socket file nobody listens on. */
export function removeDeadSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another user's, or no right to write: binding says that the address is in use.
  }
}

/** Removes the path if it still is the socket that we bound. */
export function removeBoundPath(bound: BoundPath): void {
  const found = lstatSync(bound.path, { throwIfNoEntry: false });
  if (found?.dev !== bound.device || found.ino !== bound.inode) return;
  try {
    unlinkSync(bound.path);
  } catch {
    // Gone already, or the directory was made read-only: a refused socket file is removed by the next bind.
  }
}
