/**
 * Passes TCP connections on to another server, both ways, in bounded memory.
 *
 *   npm run example examples/http.ts -- --port 8080
 *   npm run example examples/proxy.ts -- --port 9000 --upstream 127.0.0.1:8080
 *
 * Then, in another terminal:
 *
 *   curl -i http://127.0.0.1:9000/plaintext
 */
import { type Client, type ClientOptions, type Conn, client, EventServer, serve } from 'gnet';
import { announce, readFlags, serveOptions } from './lib/flags.ts';

const DIAL_TIMEOUT_MS = 10_000;

const relayOptions: ClientOptions = {
  // Each direction ends by itself.
  allowHalfOpen: true,
  // A side that does not read must not keep us from reading it: the other one may wait for that.
  overflow: 'none',
  highWaterMark: 256 * 1024,
  lowWaterMark: 64 * 1024,
};

/** One side of a passage; `context` of a connection is the one on the other side. */
class Side extends EventServer {
  override react(bytes: Buffer | null, conn: Conn): void {
    const other = conn.context as Conn | undefined;
    if (bytes === null || other === undefined) return;
    if (!other.asyncWrite(bytes)) conn.pauseRead();
  }

  /** What was pending for this side has gone out. */
  override onDrain(conn: Conn): void {
    (conn.context as Conn | undefined)?.resumeRead();
  }

  override onEnd(conn: Conn): void {
    (conn.context as Conn | undefined)?.end();
  }

  override onClosed(conn: Conn, error?: Error): void {
    const other = conn.context as Conn | undefined;
    if (other === undefined) return;
    other.context = undefined;
    // A passage that broke must not look like one that ended. A stop of the proxy ends all in order.
    if (error === undefined) other.close();
    else other.reset();
  }
}

/** The servers behind us. */
class UpstreamSide extends Side {
  override onOpened(conn: Conn): void {
    const downstream = conn.context as Conn;
    downstream.context = conn;
    downstream.resumeRead();
  }
}

/** Those who connect to us. */
class DownstreamSide extends Side {
  readonly #dialler: Client;
  readonly #upstream: string;

  constructor(dialler: Client, upstream: string) {
    super();
    this.#dialler = dialler;
    this.#upstream = upstream;
  }

  override onOpened(conn: Conn): void {
    // What it sends meanwhile stays in the kernel.
    conn.pauseRead();
    const giveUp = new AbortController();
    const { signal } = giveUp;
    conn.context = giveUp;
    this.#dialler
      .dial(this.#upstream, { context: conn, signal, timeout: DIAL_TIMEOUT_MS })
      .catch((error: Error) => {
        if (!signal.aborted) console.error(`No way through: ${error.message}`);
        conn.close();
      });
  }

  override onClosed(conn: Conn, error?: Error): void {
    if (conn.context instanceof AbortController) conn.context.abort();
    else super.onClosed(conn, error);
  }
}

const flags = readFlags({ port: 9000 });
// It runs beside the server's loop in each thread, so that both sides of a passage are in one.
const dialler = await client(new UpstreamSide(), relayOptions);
const server = await serve(new DownstreamSide(dialler, flags.upstream), `tcp://:${flags.port}`, {
  ...serveOptions(flags),
  ...relayOptions,
});
announce(server, 'tcp');
const stopDialling = (): void => void dialler.stop();
void server.closed.then(stopDialling, stopDialling);
