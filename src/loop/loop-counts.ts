import type { LoopStats } from '../connection/server-view.ts';
import { ConnectionCounts, connectionCounters } from '../connection/connection-counts.ts';
import { LoopHistograms } from '../connection/loop-histograms.ts';
import type { TlsCounts } from '../connection/tls/handshake-side.ts';
import type { DriverCounters } from '../driver/contract.ts';
import type { EventLoopSettings } from './event-loop-settings.ts';
import type { CountedStats } from './mailbox-contract.ts';

/** Read once: the global object has it behind a getter, which Node runs each time. */
const { performance } = globalThis;

/**
 * The counters that other threads read, in the order in which they stand in shared memory. How many
 * connections there are, and how much of its time a loop works, are known there in other ways.
 */
export const sharedCounters = [
  'turns',
  'waits',
  'events',
  'accepted',
  'closed',
  'bytesReceived',
  'bytesSent',
  ...connectionCounters,
  'acceptRests',
  'datagramsReceived',
  'datagramsOverflowed',
  'datagramsTruncated',
  'datagramsDropped',
  'datagramSessions',
  'datagramsRefused',
  'tlsHandshakes',
  'tlsFailures',
  'tlsHandshakeMs',
] as const satisfies readonly (keyof LoopStats)[];

export type SharedCounter = (typeof sharedCounters)[number];

/** The parts of a loop that count. */
interface CountedLoop {
  readonly driver: { readonly counters: DriverCounters };
  readonly connectionCount: number;
  readonly listening: { readonly acceptGate: { readonly rests: number } };
  readonly tls: { readonly counts: TlsCounts } | undefined;
}

/** What a loop counts by itself, and how its counters read together with those of its driver. */
export class LoopCounts extends ConnectionCounts {
  turns = 0;
  accepted = 0;
  closed = 0;
  datagramsTruncated = 0;
  datagramsRefused = 0;
  datagramSessions = 0;
  /** Null without the option `histograms`. */
  readonly histograms: LoopHistograms | null;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number = performance.now();

  constructor(settings: Pick<EventLoopSettings, 'histograms' | 'publication'>) {
    super();
    const { histograms = false, publication } = settings;
    this.histograms = histograms ? new LoopHistograms(publication?.histograms) : null;
  }

  /** What the parts of a loop have counted, together. */
  stats({
    driver: { counters: driver },
    connectionCount,
    listening,
    tls,
  }: CountedLoop): CountedStats {
    const { rests: acceptRests } = listening.acceptGate;
    return {
      turns: this.turns,
      waits: driver.waits,
      events: driver.events,
      connections: connectionCount,
      accepted: this.accepted,
      closed: this.closed,
      bytesReceived: driver.bytesReceived,
      bytesSent: driver.bytesSent,
      frames: this.frames,
      aboveHighWater: this.aboveHighWater,
      closedByReset: this.closedByReset,
      closedByTimeout: this.closedByTimeout,
      closedByLimit: this.closedByLimit,
      closedByProtocol: this.closedByProtocol,
      closedByHandler: this.closedByHandler,
      closedByOther: this.closedByOther,
      acceptRests,
      datagramsReceived: driver.datagramsReceived,
      datagramsOverflowed: driver.datagramsOverflowed,
      datagramsTruncated: this.datagramsTruncated,
      datagramsDropped: driver.datagramsDropped,
      datagramSessions: this.datagramSessions,
      datagramsRefused: this.datagramsRefused,
      tlsHandshakes: tls?.counts.handshakes ?? 0,
      tlsFailures: tls?.counts.failures ?? 0,
      tlsHandshakeMs: tls?.counts.handshakeMs ?? 0,
    };
  }
}
