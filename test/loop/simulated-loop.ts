/** One event loop over the simulated driver: no sockets, no time, every run the same for a seed. */

import type { OutboundQueue } from '../../src/buffer/outbound-queue.ts';
import type { Slab } from '../../src/buffer/slab.ts';
import type { EventHandler } from '../../src/connection/conn.ts';
import { handlerCalls } from '../../src/connection/handler-events.ts';
import type { ConnectionSettings } from '../../src/connection/owner.ts';
import type { LayerFactory } from '../../src/connection/layer.ts';
import type { Backend } from '../../src/driver/backend.ts';
import { EventLoop } from '../../src/loop/event-loop.ts';
import {
  noFaults,
  SimulatedDriver,
  type SimulatedFaults,
  type SimulatedPeer,
} from '../../src/driver/simulated/simulated-driver.ts';
import { tcp4At } from '../../testing/driver-contract-case.ts';

/** Counts how often bytes are handed over. */
export class CountingDriver extends SimulatedDriver {
  sends = 0;
  /** Those that came from a queue. */
  flushes = 0;

  override send(slot: number, slab: Slab, offset: number, length: number): number {
    this.sends++;
    return super.send(slot, slab, offset, length);
  }
  override sendBytes(slot: number, bytes: Uint8Array): number {
    this.sends++;
    return super.sendBytes(slot, bytes);
  }
  override flush(slot: number, queue: OutboundQueue): boolean {
    this.sends++;
    this.flushes++;
    return super.flush(slot, queue);
  }
}

const connectionDefaults: ConnectionSettings = {
  codec: undefined,
  highWaterMark: 1_048_576,
  lowWaterMark: 262_144,
  maxOutboundBytes: 67_108_864,
  maxInboundBytes: 16_777_216,
  maxFrameLength: Number.POSITIVE_INFINITY,
  closeOnOverflow: false,
  pauseOnOverflow: true,
  allowHalfOpen: false,
  handshakeTimeout: 0,
  proxyProtocol: undefined,
  timeouts: { idleTimeout: 0, readTimeout: 0, writeTimeout: 0, closeTimeout: 5_000 },
  socket: {
    backlog: 128,
    reusePort: false,
    tcpNoDelay: true,
    keepAliveSeconds: 0,
    receiveBufferBytes: 0,
    sendBufferBytes: 0,
  },
};

const silent = { debug() {}, info() {}, warn() {}, error() {}, fatal() {} };

export interface SimulatedLoop {
  readonly loop: EventLoop;
  readonly driver: CountingDriver;
  connect(): SimulatedPeer;
  /** So many turns, as the host gives them; promises drain between them. */
  turns(count: number): Promise<void>;
  readonly deaths: unknown[];
}

export function simulatedLoop(
  handler: EventHandler,
  options: {
    readonly seed?: number;
    readonly faults?: SimulatedFaults;
    /** What one side of a stream holds for its reader. */
    readonly channelBytes?: number;
    readonly connection?: Partial<ConnectionSettings>;
    readonly layers?: LayerFactory;
    readonly poisonFrames?: boolean;
  } = {},
): SimulatedLoop {
  let driver: CountingDriver | undefined;
  const backend: Backend = {
    name: 'simulated',
    host: { mode: 'simulated', attach() {}, detach() {} },
    create(events) {
      driver = new CountingDriver(events, {
        seed: options.seed ?? 1,
        faults: options.faults ?? noFaults,
        ...(options.channelBytes !== undefined && { channelBytes: options.channelBytes }),
      });
      return driver;
    },
  };
  const deaths: unknown[] = [];
  const loop = new EventLoop(
    backend,
    handlerCalls(handler),
    {
      index: 0,
      connection: { ...connectionDefaults, ...options.connection },
      readBufferBytes: 65_536,
      maxConnections: Number.POSITIVE_INFINITY,
      ticker: false,
      busyPollMicroseconds: 0,
      poisonFrames: options.poisonFrames ?? true,
      ...(options.layers && { layers: options.layers }),
    },
    { shutdownRequested() {}, loopDied: (error) => deaths.push(error) },
    silent,
  );
  const address = loop.listening.listen(tcp4At(0));
  loop.start();
  return {
    loop,
    driver: driver as CountingDriver,
    deaths,
    connect: () => (driver as CountingDriver).connectPeer(address),
    async turns(count) {
      for (let turn = 0; turn < count; turn++) {
        loop.runDue();
        loop.wait(0);
        await Promise.resolve();
      }
    },
  };
}
