import { randomInt } from 'node:crypto';
import { isThenable, watch, whenSettled } from '../base/settled.ts';
import {
  Action,
  type Bytes,
  type Conn,
  ErrConnClosed,
  ErrHandler,
  ErrInvalidReply,
  ErrOutboundOverflow,
  ErrTimeout,
  type Reply,
} from '../index.ts';
import { type Clock, clockOf } from './clock.ts';
import type { KcpSettings } from './options.ts';
import { KcpProtocol } from './protocol.ts';

/** The events of KCP connections: those of `EventHandler`, with a `KcpConn`. */
export interface KcpHandler<Context = unknown> {
  /** Bytes returned are the first message. */
  onOpened?(c: KcpConn<Context>): Reply | Promise<Reply>;
  /** A message, or with `stream` a piece of the stream. The program may keep it. */
  react?(message: Buffer, c: KcpConn<Context>): Reply | Promise<Reply>;
  /** After `write` returned false: what is unacknowledged fell to a quarter of `highWaterMark`. */
  onDrain?(c: KcpConn<Context>): void;
  /**
   * The network or the kernel reports an error of something sent, such as `ECONNREFUSED` when nobody
   * listens there. The connection goes on and sends again, until a time limit passes.
   */
  onError?(c: KcpConn<Context>, err: Error): void | Promise<void>;
  /**
   * The server or client stops: the last chance to write. Each segment goes out once, because nothing
   * is left to send it again.
   */
  signalClose?(c: KcpConn<Context>): void | Promise<void>;
  /**
   * The connection is over; `err` is the reason, or undefined for `close()`, actions and `stop`.
   */
  onClosed?(c: KcpConn<Context>, err?: Error): void;
}

/** What the connections of a server or a client share. */
export interface KcpOwner {
  readonly handler: KcpHandler;
  readonly settings: KcpSettings;
  /** `mtu` bytes, in which each puts its datagrams together: what is sent is copied. */
  readonly datagram: Buffer;
  /** Peers call: the address of one may be forged. */
  readonly isCalled: boolean;
  shutdown(): void;
  /** The peer of an open connection has shown that it is there, for the first time. */
  proven(conn: KcpConn, under: Conn): void;
  /** It is over, and has no more to send; with it may be what is under it. */
  over(conn: KcpConn, under: Conn): void;
}

/** One conversation with a peer: reliable and in order. Use it only on the thread of its loop. */
export class KcpConn<Context = unknown> {
  /** As of a `Conn`. */
  context: Context = undefined as Context;
  /** The number of the conversation, which the caller chooses. */
  readonly conv: number;
  readonly remoteAddr: string;
  readonly localAddr: string;
  /** @internal */
  readonly interval: number;
  readonly #owner: KcpOwner;
  readonly #under: Conn;
  readonly #clock: Clock;
  readonly #protocol: KcpProtocol;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closeBy = Infinity;
  #paused = false;
  #aboveHigh = false;
  #flushes: Flush[] = [];
  /** When the peer was heard last. What goes out says nothing about whether it is there. */
  #heardAt: number;
  #forgetIdle: () => void;

  /** @internal */
  constructor(owner: KcpOwner, under: Conn, conv: number) {
    this.#owner = owner;
    this.#under = under;
    this.#clock = clockOf(under.loop);
    this.conv = conv;
    this.remoteAddr = under.remoteAddr;
    this.localAddr = under.localAddr;
    this.interval = owner.settings.interval;
    this.#heardAt = this.#clock.now;
    this.#protocol = new KcpProtocol(
      conv,
      owner.settings,
      randomInt(2 ** 32),
      owner.datagram,
      (datagram) => under.sendTo(datagram),
    );
    if (owner.isCalled) this.#protocol.doubtPeer();
    // That one would count what is sent, too.
    under.setTimeouts({ idleTimeout: 0 });
    this.#forgetIdle = this.#lookIdleIn(owner.settings.idleTimeout);
  }

  #lookIdleIn(ms: number): () => void {
    return this.#clock.after(ms, () => this.#lookIdle());
  }

  #lookIdle(): void {
    const { idleTimeout } = this.#owner.settings;
    const left = this.#heardAt + idleTimeout - this.#clock.now;
    if (left > 0) this.#forgetIdle = this.#lookIdleIn(left);
    else this.abort(this.#timedOut(`nothing came from it for ${idleTimeout} ms`));
  }

  #timedOut(why: string): ErrTimeout {
    return new ErrTimeout(`closed the connection to ${this.remoteAddr}: ${why}`);
  }

  /** @internal */
  opened(): void {
    this.#call('onOpened', () => this.#owner.handler.onOpened?.(this as KcpConn));
  }

  /** @internal */
  failed(error: Error): void {
    if (this.#state === 'closed') return;
    this.#call('onError', () => {
      const answer = this.#owner.handler.onError?.(this as KcpConn, error);
      return answer as Promise<undefined> | undefined;
    });
  }

  /** @internal A datagram of the peer. */
  came(datagram: Buffer): void {
    const { now } = this.#clock;
    const { isProven } = this.#protocol;
    if (this.#state === 'closed' || !this.#protocol.input(datagram, now)) return;
    this.#heardAt = now;
    if (this.#protocol.isProven && !isProven) this.#owner.proven(this as KcpConn, this.#under);
    if (this.#flushes.length > 0) this.#settleFlushes();
    this.#deliver();
    this.#drained();
    if (this.#protocol.isBusy) this.#clock.soon(this);
  }

  #deliver(): void {
    while (!this.#paused && this.#state === 'open') {
      const message = this.#received();
      if (message === null) return;
      this.#call('react', () => this.#owner.handler.react?.(message, this as KcpConn));
    }
  }

  #received(): Buffer | null {
    try {
      return this.#protocol.receive();
    } catch (thrown) {
      this.abort(thrown as Error);
      return null;
    }
  }

  #drained(): void {
    const { highWaterMark } = this.#owner.settings;
    if (!this.#aboveHigh || this.#protocol.heldBytes > highWaterMark / 4) return;
    this.#aboveHigh = false;
    const { handler } = this.#owner;
    if (handler.onDrain && this.#state === 'open') {
      this.#call('onDrain', () => handler.onDrain?.(this as KcpConn) ?? undefined);
    }
  }

  #call(event: string, call: () => Reply | Promise<Reply>): void {
    try {
      const reply = call();
      if (isThenable(reply)) {
        whenSettled(
          reply,
          (settled) => this.#answer(event, settled),
          (thrown) => this.#threw(event, thrown),
        );
      } else this.#answer(event, reply);
    } catch (thrown) {
      this.#threw(event, thrown);
    }
  }

  #answer(event: string, reply: Reply): void {
    try {
      if (typeof reply === 'string' || reply instanceof Uint8Array) this.write(reply);
      else if (typeof reply === 'number') this.#act(reply);
      else if (Array.isArray(reply)) {
        const [bytes, action] = reply as readonly [Bytes | null | undefined, number];
        if (bytes !== null && bytes !== undefined) this.write(bytes);
        this.#act(action);
      } else if (reply !== undefined && reply !== null) throw notBytes();
    } catch (thrown) {
      this.#threw(event, thrown);
    }
  }

  #act(action: number): void {
    if (action === Action.Close) this.close();
    else if (action === Action.Shutdown) this.#owner.shutdown();
  }

  #threw(event: string, cause: unknown): void {
    this.abort(
      new ErrHandler(`closed the connection to ${this.remoteAddr}: ${event} threw`, { cause }),
    );
  }

  /**
   * Sends a message, or with `stream` bytes of the stream, and copies the bytes during the call.
   * Returns false if unacknowledged segments hold more than `highWaterMark` (nothing is lost, wait for
   * `onDrain`), or if the connection is closed. @throws ErrInvalidReply for anything but bytes or
   * text, and for a message of more than 255 segments.
   */
  write(data: Bytes): boolean {
    if (this.#state !== 'open') return false;
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) throw notBytes();
    const { highWaterMark, maxOutboundBytes } = this.#owner.settings;
    this.#protocol.send(typeof data === 'string' ? Buffer.from(data) : data);
    const { heldBytes } = this.#protocol;
    if (heldBytes > maxOutboundBytes) {
      this.abort(
        new ErrOutboundOverflow(
          `closed the connection to ${this.remoteAddr}: unacknowledged segments hold ${heldBytes} bytes and ` +
            `maxOutboundBytes is ${maxOutboundBytes}; stop writing when write returns false`,
        ),
      );
      return false;
    }
    this.#clock.soon(this);
    this.#aboveHigh ||= heldBytes > highWaterMark;
    return heldBytes <= highWaterMark;
  }

  /** Bytes of messages that the peer has not acknowledged. */
  outboundBuffered(): number {
    return this.#protocol.pendingBytes;
  }

  /** Stops delivering messages until `resumeRead`; the peer stops when the window is full. */
  pauseRead(): void {
    this.#paused = true;
  }

  resumeRead(): void {
    if (!this.#paused) return;
    this.#paused = false;
    queueMicrotask(() => {
      this.#deliver();
      if (this.#protocol.isBusy) this.#clock.soon(this);
    });
  }

  /**
   * Waits until everything is acknowledged, within `closeTimeout`, and closes. KCP has no close
   * message: the peer notices through its own time limits or through the program's protocol.
   */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#closeBy = this.#clock.now + this.#owner.settings.closeTimeout;
    this.#clock.soon(this);
  }

  /** @internal */
  tick(now: number): boolean {
    if (this.#state === 'closed') return false;
    this.#protocol.flush(now);
    if (this.#protocol.isDead) {
      this.abort(this.#timedOut('the peer acknowledges nothing; is it still there?'));
      return false;
    }
    const isDone = this.#state === 'closing' && this.#protocol.isAcknowledged;
    if (isDone || now >= this.#closeBy) {
      this.abort(undefined);
      return false;
    }
    return this.#protocol.isBusy || this.#state === 'closing';
  }

  /** @internal What is under it stops; what this throws is a throw of an event there. */
  signalClose(): void | Promise<void> {
    const answer = this.#owner.handler.signalClose?.(this as KcpConn);
    const sendAll = (): void => this.#protocol.flush(this.#clock.now, true);
    if (isThenable(answer)) return Promise.resolve(answer).then(sendAll);
    sendAll();
  }

  /** @internal What its peer has begun since took its place. */
  replace(): void {
    const why = 'its peer has begun another conversation';
    this.abort(new ErrConnClosed(`closed the connection to ${this.remoteAddr}: ${why}`));
  }

  /** @internal */
  get receivedUpTo(): number {
    return this.#protocol.receivedUpTo;
  }

  /** @internal */
  get isProven(): boolean {
    return this.#protocol.isProven;
  }

  /** @internal */
  abort(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    // What the program has had is not to come again.
    this.#protocol.acknowledgeAll();
    this.#state = 'closed';
    this.#clock.forget(this);
    this.#forgetIdle();
    for (const { reject } of this.#flushes.splice(0)) reject(this.#cannotFlush());
    try {
      const answer: unknown = this.#owner.handler.onClosed?.(this as KcpConn, error);
      watch(answer, (thrown) => this.#report(thrown));
    } catch (thrown) {
      this.#report(thrown);
    }
    this.context = undefined as Context;
    this.#owner.over(this as KcpConn, this.#under);
  }

  /** The loop reports an error of a scheduled function and continues. */
  #report(thrown: unknown): void {
    try {
      this.#under.loop.execute(() => Promise.reject(thrown));
    } catch {
      // The loop is over, so nothing can receive the report.
    }
  }

  /** Resolves when the peer has acknowledged everything written so far. Rejects with `ErrConnClosed`. */
  flushed(): Promise<void> {
    const end = this.#protocol.queuedUpTo;
    if (this.#protocol.isAcknowledgedUpTo(end)) return Promise.resolve();
    if (this.#state === 'closed') return Promise.reject(this.#cannotFlush());
    return new Promise((resolve, reject) => this.#flushes.push({ end, resolve, reject }));
  }

  #settleFlushes(): void {
    const waiting = this.#flushes;
    this.#flushes = [];
    for (const flush of waiting) {
      if (this.#protocol.isAcknowledgedUpTo(flush.end)) flush.resolve();
      else this.#flushes.push(flush);
    }
  }

  #cannotFlush(): ErrConnClosed {
    return new ErrConnClosed(`cannot flush: the connection to ${this.remoteAddr} is closed`);
  }
}

/** Who waits until everything before a number is acknowledged. */
interface Flush {
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

function notBytes(): ErrInvalidReply {
  return new ErrInvalidReply('cannot send this by KCP: give a Uint8Array or a string');
}
