/** Which threads of this process are gone: those that started them write it down for all others. */
import { getEnvironmentData, setEnvironmentData, threadId, type Worker } from 'node:worker_threads';
import { type LoopMemory, loopState } from './loop-memory.ts';

/** Threads with a higher number are known only where they were started. */
const threadsMax = 65_536;
const gone = -1;

/** By thread: `gone`, or the thread that started it plus one, or 0 where nobody has said. */
const table = sharedTable('gnet thread ends');

/** The same memory in this thread and in all that it starts, and they in turn. */
export function sharedTable(name: string): Int32Array<SharedArrayBuffer> {
  const known: unknown = getEnvironmentData(name);
  const byteLength = threadsMax * Int32Array.BYTES_PER_ELEMENT;
  if (known instanceof SharedArrayBuffer && known.byteLength === byteLength) {
    return new Int32Array(known);
  }
  const made = new SharedArrayBuffer(byteLength);
  setEnvironmentData(name, made);
  return new Int32Array(made);
}

const endedHere = new Set<number>();
const listeners: ((threadId: number) => void)[] = [];

/** Numbers of threads are never used again. */
export function hasEnded(thread: number): boolean {
  if (endedHere.size > 0 && endedHere.has(thread)) return true;
  for (let one = thread; one < threadsMax; ) {
    const word = Atomics.load(table, one);
    if (word <= 0) return word === gone;
    // It took all threads that it had started with it, and told nobody.
    one = word - 1;
  }
  return false;
}

/** A loop whose thread has ended accepts no more: whoever waits for its answer hears of it. */
export function noteEnd(memory: LoopMemory): void {
  if (hasEnded(memory.creator) && memory.state === loopState.running) memory.markDead();
}

/** Calls `listener` for every thread started here that ends from now on, however it does. */
export function whenThreadEnds(listener: (threadId: number) => void): void {
  listeners.push(listener);
}

function write(thread: number, word: number): void {
  if (thread < threadsMax) Atomics.store(table, thread, word);
}

process.on('worker', (worker: Worker) => {
  const started = worker.threadId;
  write(started, threadId + 1);
  worker.once('exit', () => {
    write(started, gone);
    endedHere.add(started);
    for (const listener of listeners) listener(started);
  });
});
