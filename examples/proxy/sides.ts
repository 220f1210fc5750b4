/** The two sides of a passage: those who connect to us, and the server behind us. */
import { type Client, type Conn, EventServer } from 'gnet';
import { Dialling } from './dialling.ts';
import type { FailureLog } from './failure-log.ts';

const DIAL_TIMEOUT_MS = 10_000;

/** `context` of a connection is the one on the other side, or what is being done to get one. */
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

export class UpstreamSide extends Side {
  override onOpened(conn: Conn): void {
    const downstream = conn.context as Conn;
    const dialling = downstream.context as Dialling;
    downstream.context = conn;
    if (dialling.handOver(conn)) downstream.resumeRead();
    else downstream.pauseRead();
  }
}

export class DownstreamSide extends Side {
  readonly #dialler: Client;
  readonly #upstream: string;
  readonly #failures: FailureLog;

  constructor(dialler: Client, upstream: string, failures: FailureLog) {
    super();
    this.#dialler = dialler;
    this.#upstream = upstream;
    this.#failures = failures;
  }

  override onOpened(conn: Conn): void {
    const dialling = new Dialling();
    conn.context = dialling;
    const { signal } = dialling;
    this.#dialler
      .dial(this.#upstream, { context: conn, signal, timeout: DIAL_TIMEOUT_MS })
      .catch((error: Error) => {
        if (!signal.aborted) this.#failures.failed(error);
        conn.close();
      });
  }

  override react(bytes: Buffer | null, conn: Conn): void {
    const { context } = conn;
    if (!(context instanceof Dialling)) super.react(bytes, conn);
    else if (bytes !== null && !context.keep(bytes)) conn.pauseRead();
  }

  override onDrain(conn: Conn): void {
    if (!(conn.context instanceof Dialling)) super.onDrain(conn);
  }

  override onEnd(conn: Conn): void {
    if (conn.context instanceof Dialling) conn.context.clientEnded();
    else super.onEnd(conn);
  }

  override onClosed(conn: Conn, error?: Error): void {
    if (conn.context instanceof Dialling) conn.context.giveUp();
    else super.onClosed(conn, error);
  }
}
