import * as threads from 'node:worker_threads';

type Locks = typeof threads.locks;

/**
 * Locks that the threads of a process share, where a request counts before `request` returns, a killed
 * thread lets go what it held, and what was posted to a thread is there at its next look: those of Node,
 * new in 24.5. Deno has some, too, but the order of what comes to its threads is not known. Null where
 * there are none.
 */
export function threadLocks(): Locks | null {
  const { bun, deno } = process.versions;
  if (bun !== undefined || deno !== undefined) return null;
  return (threads as { readonly locks?: Locks }).locks ?? null;
}
