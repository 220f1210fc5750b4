/** What is told of the servers, and to those who want to be told again and again. */
import process from 'node:process';
import type { Server } from '../index.ts';
import type { ProcessFacts, ServerFacts, Snapshot } from './protocol.ts';

function processFacts(): ProcessFacts {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  return {
    pid: process.pid,
    runtime: `${process.release.name} ${process.version}`,
    uptimeSeconds: process.uptime(),
    cpuMs: Math.round((user + system) / 1_000),
    rss,
    heapUsed,
    heapTotal,
    external,
    arrayBuffers,
  };
}

function serverFacts(server: Server): ServerFacts {
  const { addr, addrs, state, multicore, logLevel = null } = server;
  return { name: addr || 'client', addrs, state, multicore, logLevel, stats: server.stats() };
}

type Sink = ReadableStreamDefaultController<Uint8Array>;

const streamsMax = 64;

/** Makes snapshots; one timer for everybody who listens, and none while nobody does. */
export class Snapshots {
  readonly #servers: readonly Server[];
  readonly #interval: number;
  readonly #readOnly: boolean;
  readonly #sinks = new Set<Sink>();
  #timer: NodeJS.Timeout | undefined;

  constructor(servers: readonly Server[], interval: number, readOnly: boolean) {
    this.#servers = servers;
    this.#interval = interval;
    this.#readOnly = readOnly;
  }

  take(): Snapshot {
    return {
      time: Date.now(),
      interval: this.#interval,
      readOnly: this.#readOnly,
      process: processFacts(),
      servers: this.#servers.map(serverFacts),
    };
  }

  /**
   * A snapshot now, and each interval; null when too many listen already.
   * @param gone whose reader has gone: otherwise the next snapshot would be the first to notice.
   */
  stream(gone: AbortSignal): ReadableStream<Uint8Array> | null {
    if (this.#sinks.size >= streamsMax) return null;
    let sink!: Sink;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        sink = controller;
        this.#sinks.add(sink);
        sink.enqueue(this.#event());
        this.#timer ??= setInterval(() => this.#tell(), this.#interval);
      },
      cancel: () => this.#forget(sink),
    });
    if (gone.aborted) this.#end(sink);
    else gone.addEventListener('abort', () => this.#end(sink));
    return stream;
  }

  #event(): Uint8Array {
    return Buffer.from(`data: ${JSON.stringify(this.take())}\n\n`);
  }

  #tell(): void {
    const event = this.#event();
    for (const sink of this.#sinks) {
      // Who reads too slowly misses some: each one says everything.
      if ((sink.desiredSize ?? 0) > -4) sink.enqueue(event);
    }
  }

  #end(sink: Sink): void {
    if (!this.#sinks.has(sink)) return;
    this.#forget(sink);
    sink.close();
  }

  #forget(sink: Sink): void {
    this.#sinks.delete(sink);
    if (this.#sinks.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    for (const sink of this.#sinks) this.#end(sink);
  }
}
