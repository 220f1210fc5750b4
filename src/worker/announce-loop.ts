import { LoopMemory } from '../mailbox/loop-memory.ts';
import { loopThreadData } from './loop-thread-data.ts';
import type { OwnLoopMessage } from './messages.ts';

/** A loop that the program made by itself: the main thread did not order it. */
export interface OwnLoop {
  /**
   * The memory where it records its descriptors; null outside loop threads, where nothing reads it.
   */
  readonly memory: LoopMemory | null;
  /** It has ended in order, and nothing is left. */
  withdraw(): void;
}

/** Tells the main thread, before anything is open, where a loop of this thread will write that down. */
export function announceOwnLoop(): OwnLoop {
  if (loopThreadData === null) return { memory: null, withdraw() {} };
  const { port } = loopThreadData;
  const memory = LoopMemory.create();
  const { buffer, key } = memory;
  port.postMessage({ type: 'own', memory: buffer } satisfies OwnLoopMessage);
  return {
    memory,
    withdraw: () => port.postMessage({ type: 'ownEnded', key } satisfies OwnLoopMessage),
  };
}
