import { workerData } from 'node:worker_threads';
import type { LoopThreadData } from './messages.ts';

/** What the main thread passed to this thread at its start; null if this is not a loop thread. */
export const loopThreadData: LoopThreadData['gnetLoopThread'] | null =
  (workerData as Partial<LoopThreadData> | null)?.gnetLoopThread ?? null;

/**
 * The number of the loop that this thread runs; it is set before the first line of the program
 * runs. On the main thread it is 0: the number of a single loop. The main thread of a server with
 * several loops runs none of them.
 */
export const loopIndex: number = loopThreadData?.index ?? 0;

/**
 * False in the threads that `serve` starts, one per loop, to run the program's own file again; true
 * everywhere else. Use it to guard work that must run once.
 */
export const isMainLoop: boolean = loopThreadData === null;
