import { histogramsIn } from '../connection/loop-histograms.ts';
import type { LoopStats } from '../connection/server-view.ts';
import { type SharedCounter, sharedCounters } from '../loop/loop-counts.ts';
import type { LoopPublication } from '../loop/mailbox-contract.ts';
import { continuedCounters, control, counter, type LoopMemory } from './loop-memory.ts';

/** Both read once, because the runtime computes them each time. */
const { performance } = globalThis;
const wallClockOrigin = performance.timeOrigin;

/** Lets a loop write what others may see into its memory. */
export function publicationIn(memory: LoopMemory): LoopPublication {
  const { words, counters } = memory;
  return {
    ledger: memory,
    histograms: memory.histograms,
    opened(connections, generation) {
      Atomics.store(words, control.connections, connections);
      if (generation > Atomics.load(words, control.generation)) {
        Atomics.store(words, control.generation, generation);
      }
    },
    closed(connections) {
      Atomics.store(words, control.connections, connections);
    },
    publish(stats, sleptMs, startedMs) {
      for (let index = 0; index < sharedCounters.length; index++) {
        counters[index] = stats[sharedCounters[index] as SharedCounter];
      }
      counters[counter.sleptMs] = sleptMs;
      counters[counter.startedAt] = startedMs;
      counters[counter.publishedAt] = wallClockOrigin + performance.now();
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
  const { words, counters } = memory;
  const read = (index: number): number => counters[index] as number;
  const shared = {} as Record<SharedCounter, number>;
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
    utilization: utilization(),
    ...histogramsIn(memory.histograms),
  };

  function utilization(): number {
    const now = wallClockOrigin + performance.now();
    const wallMs = now - read(counter.startedAt);
    if (read(counter.startedAt) === 0 || wallMs <= 0) return 0;
    // A loop that sleeps says nothing until it wakes: the time since counts as slept.
    const asleep = (Atomics.load(words, control.sleepTicket) & 1) === 1;
    const sleepingMs = asleep ? Math.max(0, now - read(counter.publishedAt)) : 0;
    return Math.max(0, Math.min(1, 1 - (read(counter.sleptMs) + sleepingMs) / wallMs));
  }
}
