/**
 * Sends one line to every connection at every tick, and back what it receives.
 *
 *   npm run example examples/push.ts -- --port 9000 --tick 1s
 *
 * Then, in another terminal or in several:
 *
 *   nc 127.0.0.1 9000
 */
import { type Conn, EventServer, prepare, serve, type TickReply } from 'gnet';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

class PushServer extends EventServer {
  readonly #intervalMs: number;
  readonly #conns = new Map<number, Conn>();

  constructor(intervalMs: number) {
    super();
    this.#intervalMs = intervalMs;
  }

  override onOpened(conn: Conn): void {
    this.#conns.set(conn.id, conn);
    console.log(`${conn.remoteAddr} is open`);
  }

  override onClosed(conn: Conn, error?: Error): void {
    this.#conns.delete(conn.id);
    console.log(`${conn.remoteAddr} is closed${error === undefined ? '' : `: ${error.message}`}`);
  }

  override react(frame: Buffer | null) {
    return frame;
  }

  override tick(): TickReply {
    const line = prepare(`It is ${new Date().toISOString()}\n`);
    // Whoever is too slow misses a line: nothing is ever piled up for it.
    for (const conn of this.#conns.values()) {
      if (conn.outboundBuffered() === 0) conn.asyncWrite(line);
    }
    return this.#intervalMs;
  }
}

const flags = readFlags({ port: 9000, tick: '1s' });
const server = await serve(new PushServer(flags.tickMs), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  // No ticker without an interval: `--tick 0s`.
  ticker: flags.tickMs > 0,
}).catch(endWithReason);
announce(server, 'tcp');
