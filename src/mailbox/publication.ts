import { histogramsIn } from '../connection/loop-histograms.ts';
import type { LoopStats } from '../connection/server-view.ts';
import { type SharedCounter, sharedCounters } from '../loop/loop-counts.ts';
import type { LoopPublication } from '../loop/mailbox-contract.ts';
import { type WorkShare, workShareIn } from '../loop/working-time.ts';
import { timeOfThreads } from '../loop/time-of-threads.ts';
import { continuedCounters, control, counter, type LoopMemory } from './loop-memory.ts';

/** Lets a loop write what others may see into its memory. */
export function publicationIn(memory: LoopMemory): LoopPublication {
  const { words, counters } = memory;
  return {
    ledger: memory,
    histograms: memory.histograms,
    workingTime: memory.workingTime,
    opened(connections, generation) {
      Atomics.store(words, control.connections, connections);
      if (generation > Atomics.load(words, control.generation)) {
        Atomics.store(words, control.generation, generation);
      }
    },
    closed(connections) {
      Atomics.store(words, control.connections, connections);
    },
    publish(stats) {
      for (let index = 0; index < sharedCounters.length; index++) {
        counters[index] = stats[sharedCounters[index] as SharedCounter];
      }
    },
  };
}

/** A loop takes over: what those before it counted stays in what is read of it, in every thread. */
export function continueCounting(memory: LoopMemory, before: LoopStats): void {
  continuedCounters.forEach((name, index) => {
    memory.counters[counter.before + index] = before[name];
  });
}

/** The counters of a loop as of its last turn that had events, read from any thread. */
export function statsIn(memory: LoopMemory): LoopStats {
  const { counters } = memory;
  const read = (index: number): number => counters[index] as number;
  const work = workShareIn(memory.workingTime, timeOfThreads());
  const shared = { ...work } as Record<SharedCounter | keyof WorkShare, number>;
  sharedCounters.forEach((name, index) => {
    shared[name] = read(index);
  });
  continuedCounters.forEach((name, index) => {
    shared[name] += read(counter.before + index);
  });
  return {
    ...shared,
    connections: memory.connections,
    mailboxBytes: memory.waitingBytes,
    ...histogramsIn(memory.histograms),
  };
}
