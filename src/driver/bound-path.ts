/**
 * Socket files: ours and dead ones. No system call of our own is needed.
 *
 * A dead file in the way is taken away under a lock, so that of several servers which start on one path
 * each sees what the others did; and it is taken aside before it is removed, so that nothing is
 * removed but what was found dead.
 */
import { randomHex, sha256Hex } from '../base/crypto.ts';
import { linkSync, lstatSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** A Unix path that we bound, to be removed at the end if it is still ours. */
export interface BoundPath {
  readonly path: string;
  readonly identity: string;
}

/** A file by what does not change when it is renamed; null when there is none, or it is no socket. */
export function socketFileAt(path: string): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  if (found?.isSocket() !== true) return null;
  // Numbers of files are used again, and soon: the time of birth tells one from the next.
  return `${found.dev}:${found.ino}:${found.birthtimeNs}`;
}

/** The identity of the file at a path that was just bound. */
export function boundPathOf(path: string): BoundPath | null {
  const identity = socketFileAt(path);
  // The program may change its directory before the path is removed.
  return identity === null ? null : { path: resolve(path), identity };
}

/** Removes the path if it still is the socket that we bound. */
export function removeBoundPath(bound: BoundPath): void {
  if (socketFileAt(bound.path) !== bound.identity) return;
  try {
    unlinkSync(bound.path);
  } catch {
    // Gone already, or the directory was made read-only: a dead file is removed by the next bind.
  }
}

/** A file name of our own in the directory of `path`. Never like a number: not all APIs take those. */
export function nameBeside(path: string, unique: string): string {
  return join(dirname(path), `.g${unique}`);
}

export function uniqueNameBeside(path: string): string {
  return nameBeside(path, randomHex(4));
}

/**
 * Whom two servers that take a dead file away from the same path have to ask: an abstract name, which
 * one of them can bind, and which is free again when that one is done, or dead.
 */
export function lockNameFor(path: string): string {
  const directory = lstatSync(resolve(dirname(path)), { throwIfNoEntry: false, bigint: true });
  const key = `${directory?.dev}:${directory?.ino}:${basename(path)}`;
  return `@gnet-start-${sha256Hex(key).slice(0, 32)}`;
}

/**
 * Removes the socket file that was found dead, and nothing else. False when there is something else
 * by now, or it may not be removed.
 * @param dead what `socketFileAt` said before it was found dead.
 */
export function removeDeadSocket(path: string, dead: string): boolean {
  if (socketFileAt(path) !== dead) return false;
  const aside = uniqueNameBeside(path);
  try {
    renameSync(path, aside);
  } catch {
    return false; // gone, or no right to write in the directory
  }
  if (socketFileAt(aside) !== dead) {
    // A program that does not ask for the lock has put its own there just now.
    putBack(aside, path);
    return false;
  }
  unlinkSync(aside);
  return true;
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
    unlinkSync(aside);
  } catch (error) {
    // Without links in this file system; where there is a new file already, that one stays.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') renameSync(aside, path);
  }
}

/**
 * Whether the system's list of sockets has the path: somebody has bound it, who may not listen yet.
 * False where there is no such list. proc(5), /proc/net/unix
 */
export function isListedAsBound(path: string): boolean {
  let list: string;
  try {
    list = readFileSync('/proc/net/unix', 'utf8');
  } catch {
    return false;
  }
  const wanted = resolve(path);
  return list.split('\n').some((line) => {
    // Num RefCount Protocol Flags Type St Inode Path, which may hold spaces
    const bound = /^\S+:(?: \S+){5} +\d+ (.+)$/.exec(line)?.[1];
    return bound !== undefined && !bound.startsWith('@') && resolve(bound) === wanted;
  });
}
