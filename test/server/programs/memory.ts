/** A server that holds what its clients make it hold: `memory-bound.test.ts` fills it up to its limits. */
import { type Conn, EventServer, LineBasedFrameCodec, type Options, serve } from 'gnet';

/** Lines that never end: everything stays in the connection. */
class Silent extends EventServer {}

/** Promises that never settle: every frame stays lent. */
class Pending extends EventServer {
  override react(): Promise<null> {
    return new Promise(() => {});
  }
}

/** Writes to clients that do not read, up to the limit. */
class Talking extends EventServer {
  readonly #conns = new Set<Conn>();
  readonly #chunk = Buffer.alloc(4_096);

  override onOpened(conn: Conn): void {
    this.#conns.add(conn);
  }

  override tick(): number {
    for (const conn of this.#conns) {
      for (let count = 0; count < 64 && conn.outboundBuffered() < 8_192; count++) {
        conn.asyncWrite(this.#chunk);
      }
    }
    return 10;
  }
}

const [kind = '', inbound, outbound] = process.argv.slice(2);
const options: Options = {
  maxInboundBytes: Number(inbound),
  highWaterMark: Number(outbound),
  maxOutboundBytes: Number(outbound),
  closeTimeout: 100,
};
const handlers = { inbound: Silent, promises: Pending, readers: Talking };
const server = await serve(new handlers[kind as keyof typeof handlers](), 'tcp://127.0.0.1:0', {
  ...options,
  ...(kind === 'inbound' && { codec: new LineBasedFrameCodec() }),
  ...(kind === 'readers' && { ticker: true, socketSendBuffer: 4_096 }),
});
console.log(`listening on ${server.addr}`);
