/** A process whose parent stays: it tells which of its successors is to be watched. */
import { renameSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { environment } from '../../base/environment.ts';

/** Names the file that the parent looks into: the number of the process that is the service. */
export const parentVariable = 'GNET_PARENT';

function takeFile(): string | null {
  const file = environment[parentVariable];
  if (file === undefined || !isMainThread) return null;
  // Other programs that this one starts have no such parent.
  delete process.env[parentVariable];
  return file;
}

const file = takeFile();

/** A parent of ours has started this process, or its predecessors. */
export const hasParent: boolean = file !== null;

/** What a successor must find in its environment. */
export const parentEnvironment: NodeJS.ProcessEnv = file === null ? {} : { [parentVariable]: file };

/** By renaming: the parent never reads half a number. */
export function writeMain(path: string, pid: number): void {
  writeFileSync(`${path}.new`, `${pid}`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** That process is the service from now on. */
export function tellParent(pid: number): void {
  if (file !== null) writeMain(file, pid);
}
