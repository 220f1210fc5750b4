import { workerData } from 'node:worker_threads';
import type { LoopThreadData } from './messages.ts';

/** What the main thread told this thread when it made it, if it runs event loops of ours. */
export const loopThreadData: LoopThreadData['gnetLoopThread'] | null =
  (workerData as Partial<LoopThreadData> | null)?.gnetLoopThread ?? null;

/**
 * The number of the loop that this thread runs, from the first line of the program on. On the main thread
 * it is 0: that is the loop of a server with one; of a server with several the main thread has none.
 */
export const loopIndex: number = loopThreadData?.index ?? 0;

/**
 * False in the threads that `serve` started to run an event loop each, which run the program's own
 * file again; true everywhere else. Work that must be done once belongs behind it.
 */
export const isMainLoop: boolean = loopThreadData === null;
