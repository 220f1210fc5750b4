/** Servers in threads that the program started: a restart cannot hand their listeners over. */
import { isMainThread, threadId } from 'node:worker_threads';
import { hasEnded, sharedTable } from '../mailbox/thread-ends.ts';

/** By thread, how many servers run there. */
const counts = sharedTable('gnet servers of threads');

/** A server runs in this thread until `over` resolves. */
export function countServer(over: Promise<void>): void {
  if (isMainThread || threadId >= counts.length) return;
  Atomics.add(counts, threadId, 1);
  void over.then(() => Atomics.sub(counts, threadId, 1));
}

/** A thread, other than the main one, that has a server; undefined for none. */
export function threadThatServes(): number | undefined {
  const found = counts.findIndex((count, thread) => count > 0 && !hasEnded(thread));
  return found === -1 ? undefined : found;
}
