import type { LoopStats } from '../connection/server-view.ts';
import type { LoopPublication } from '../loop/shared-side.ts';
import { control, counter, type LoopMemory } from './loop-memory.ts';

/** Asked once: the runtime computes it anew each time. */
const wallClockOrigin = performance.timeOrigin;

/** Lets a loop write what others may see into its memory. */
export function publicationIn(memory: LoopMemory): LoopPublication {
  const { words, counters } = memory;
  return {
    ledger: memory,
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
      counters[counter.turns] = stats.turns;
      counters[counter.waits] = stats.waits;
      counters[counter.events] = stats.events;
      counters[counter.accepted] = stats.accepted;
      counters[counter.closed] = stats.closed;
      counters[counter.bytesReceived] = stats.bytesReceived;
      counters[counter.bytesSent] = stats.bytesSent;
      counters[counter.acceptRests] = stats.acceptRests;
      counters[counter.datagramsReceived] = stats.datagramsReceived;
      counters[counter.datagramsOverflowed] = stats.datagramsOverflowed;
      counters[counter.datagramsTruncated] = stats.datagramsTruncated;
      counters[counter.datagramsDropped] = stats.datagramsDropped;
      counters[counter.tlsHandshakes] = stats.tlsHandshakes;
      counters[counter.tlsFailures] = stats.tlsFailures;
      counters[counter.tlsHandshakeMs] = stats.tlsHandshakeMs;
      counters[counter.sleptMs] = sleptMs;
      counters[counter.startedAt] = startedMs;
      counters[counter.publishedAt] = wallClockOrigin + performance.now();
    },
  };
}

/** A loop takes over: what those before it counted stays in what is read of it, in every thread. */
export function continueCounting(memory: LoopMemory, before: LoopStats): void {
  const { counters } = memory;
  counters[counter.acceptedBefore] = before.accepted;
  counters[counter.closedBefore] = before.closed;
  counters[counter.bytesReceivedBefore] = before.bytesReceived;
  counters[counter.bytesSentBefore] = before.bytesSent;
}

/** The counters of a loop as of its last turn that had events, read from any thread. */
export function statsIn(memory: LoopMemory): LoopStats {
  const { words, counters } = memory;
  const read = (index: number): number => counters[index] as number;
  return {
    turns: read(counter.turns),
    waits: read(counter.waits),
    events: read(counter.events),
    connections: memory.connections,
    accepted: read(counter.acceptedBefore) + read(counter.accepted),
    closed: read(counter.closedBefore) + read(counter.closed),
    bytesReceived: read(counter.bytesReceivedBefore) + read(counter.bytesReceived),
    bytesSent: read(counter.bytesSentBefore) + read(counter.bytesSent),
    acceptRests: read(counter.acceptRests),
    datagramsReceived: read(counter.datagramsReceived),
    datagramsOverflowed: read(counter.datagramsOverflowed),
    datagramsTruncated: read(counter.datagramsTruncated),
    datagramsDropped: read(counter.datagramsDropped),
    tlsHandshakes: read(counter.tlsHandshakes),
    tlsFailures: read(counter.tlsFailures),
    tlsHandshakeMs: read(counter.tlsHandshakeMs),
    utilization: utilization(),
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
