/** Which threads of this process are gone, as far as this thread hears of it: those that it started. */
import type { Worker } from 'node:worker_threads';

const ended = new Set<number>();
const listeners: ((threadId: number) => void)[] = [];

/** Numbers of threads are never used again. */
export function hasEnded(threadId: number): boolean {
  return ended.size > 0 && ended.has(threadId);
}

/** Calls `listener` for every thread that ends from now on, however it does. */
export function whenThreadEnds(listener: (threadId: number) => void): void {
  listeners.push(listener);
}

process.on('worker', (worker: Worker) => {
  const { threadId } = worker;
  worker.once('exit', () => {
    ended.add(threadId);
    for (const listener of listeners) listener(threadId);
  });
});
