import { ErrConnClosed, ErrInvalidNetworkAddress, ErrInvalidReply } from '../base/errors.ts';
import { invalidOption } from '../base/option-checks.ts';
import { errorOf } from '../base/thrown.ts';
import { watch } from '../base/settled.ts';
import type { Conn, EventHandler } from '../connection/conn.ts';
import { liftOutputLimits, setPaced } from '../connection/flow-settings.ts';
import type { Follower } from '../connection/follower.ts';
import { writeHeader } from '../connection/proxy-protocol/write-header.ts';
import { plainBytes, type Sendable } from '../connection/prepared.ts';
import { ownHandlerEvents } from '../connection/handler-events.ts';
import { captureScope } from '../host/event-scope.ts';
import { parseAddress } from './addresses.ts';
import { streamsOnly } from './dial.ts';
import { calledFrom, checkDialOptions, type DialOptions, dialOptionNames } from './dial-options.ts';
import { type KeptMessage, KeptMessages } from './kept-messages.ts';
import {
  delayBefore,
  type ReconnectOptions,
  reconnectPolicy,
  type ReconnectPolicy,
} from './reconnecting.ts';

/** The options of a link. */
export interface LinkOptions extends Omit<DialOptions, 'signal' | 'reconnect'> {
  /** Default: the client's, or the defaults of `ReconnectOptions`. */
  readonly reconnect?: ReconnectOptions | true;
  /**
   * What happens to writes while the link is down: `keep` keeps up to `maxKept` bytes and sends
   * them later; `refuse` accepts nothing. Default `keep`.
   */
  readonly whileDown?: 'keep' | 'refuse';
  /**
   * The most bytes that the link keeps, counting 128 more for each message; it always accepts one
   * message. Default 16,777,216.
   */
  readonly maxKept?: number;
  /**
   * True keeps each message until `confirm` says that the peer has it, and sends it again after a
   * break. No message is lost, but the peer may see some twice. False, the default, keeps a message
   * only until it is in the kernel, so a break loses the messages under way.
   */
  readonly confirm?: boolean;
}

/** A connection to one address that reconnects by itself. Use it on the thread of its client. */
export interface Link {
  readonly address: string;
  /** The connection; null while the link is down. */
  readonly conn: Conn | null;
  /** True when the link will not connect again. */
  readonly isOver: boolean;
  /** How often the link has reconnected. */
  readonly reconnects: number;
  /** Accepted messages that are not done, and their bytes. */
  readonly pendingMessages: number;
  readonly pendingBytes: number;
  /**
   * Accepts one message, for the codec, after the earlier ones, and copies its bytes during the
   * call. Returns false if it did not accept the message: the link already keeps `maxKept` bytes,
   * is down (`whileDown: 'refuse'`), or is over. @throws ErrInvalidReply if `data` is neither bytes
   * nor text.
   */
  write(data: Sendable): boolean;
  /**
   * With the option `confirm`: marks the first `count` kept messages as done, because the peer has
   * them. It never marks a message that was not sent on the current connection. Infinity marks all
   * of the others. @throws ErrInvalidOption if `count` is not a whole number from 0 on.
   */
  confirm(count?: number): void;
  /**
   * Sends the kept messages, if the link is up, and closes; resolves when the connection is gone.
   * `close()` of its connection ends the link, too.
   */
  close(): Promise<void>;
  /** Resolves when the link is over; if it gave up, with the error of the last attempt. */
  readonly closed: Promise<Error | undefined>;
}

/** What a link needs of its client. */
export interface LinkOwner {
  dial(address: string, options: DialOptions, follower: Follower): Promise<Conn>;
  report(message: string, error: unknown): void;
  over(link: ClientLink): void;
  /** Bytes that a connection is given ahead of the kernel. */
  readonly bytesAhead: number;
  /** Milliseconds that a connection may take to come further while it closes. */
  readonly closeTimeout: number;
}

const nothing = Buffer.alloc(0);
const maxKeptDefault = 16_777_216;
/** What a message costs beside its bytes. */
const messageOverheadBytes = 128;

export const linkOptionNames: readonly string[] = [
  ...dialOptionNames.filter((name) => name !== 'signal'),
  'whileDown',
  'maxKept',
  'confirm',
];

/** @throws what no attempt could do otherwise than fail by. */
function checkTarget(address: string, options: DialOptions): void {
  const { proxyHeader, localAddress, tls, handler } = checkDialOptions(options);
  if (handler !== undefined) ownHandlerEvents(handler as EventHandler<unknown>);
  if (proxyHeader !== undefined) writeHeader(proxyHeader);
  const parsed = parseAddress(address);
  const forStreams = tls === true || proxyHeader !== undefined || localAddress !== undefined;
  if (forStreams && parsed.network.startsWith('udp')) throw streamsOnly(address);
  if (parsed.network === 'unix') calledFrom([], localAddress);
  if (parsed.network === 'unix' ? parsed.path !== '@' : parsed.port !== 0) return;
  const lack = parsed.network === 'unix' ? 'path' : 'port';
  throw new ErrInvalidNetworkAddress(
    `cannot link to '${address}': it has no ${lack}; write it, as in 'tcp://example.com:9000'`,
    { address },
  );
}

export class ClientLink implements Link, Follower {
  readonly address: string;
  readonly closed: Promise<Error | undefined>;
  conn: Conn | null = null;
  isOver = false;
  reconnects = 0;
  readonly #owner: LinkOwner;
  /** What the program gave to the link runs in the async context of who made it, as its events do. */
  readonly #scope = captureScope();
  readonly #policy: ReconnectPolicy;
  readonly #dialling: DialOptions;
  readonly #keeps: boolean;
  readonly #maxKept: number;
  readonly #confirms: boolean;
  #settle!: (error: Error | undefined) => void;
  readonly #kept = new KeptMessages();
  /** Gives up what is being dialled. */
  readonly #abort = new AbortController();
  /** Of the current connection. */
  #bytesAhead = 0;
  /** `onOpened` has been answered: messages go out at once. */
  #ready = false;
  /** The peer was first to end the current connection. */
  #peerEnded = false;
  /** The program was: `close` was called, or the connection closed. */
  #closing = false;
  /** The rest of what is kept waits until the kernel has taken what is pending. */
  #restWaits = false;
  /** Messages that the current connection has and the kernel has not. */
  #underWay = 0;
  #attempts = 0;
  /** Milliseconds: the wait before the current connection, and when that connection opened. */
  #lastDelay = 0;
  #upSince = 0;
  /** What the last connection had as its own, for the next one. */
  #context: unknown;
  #wasUp = false;
  /** The log says that it is down. */
  #toldDown = false;
  #timer: NodeJS.Timeout | undefined;

  /** @throws ErrInvalidOption, and what `checkTarget` throws */
  constructor(owner: LinkOwner, address: string, options: LinkOptions) {
    const { reconnect, whileDown = 'keep', maxKept = maxKeptDefault, confirm = false } = options;
    if (whileDown !== 'keep' && whileDown !== 'refuse') {
      throw invalidOption('whileDown', whileDown, "'keep' or 'refuse'");
    }
    if (!Number.isSafeInteger(maxKept) || maxKept < 1) {
      throw invalidOption('maxKept', maxKept, 'a whole number from 1 on (bytes)');
    }
    if (typeof confirm !== 'boolean') throw invalidOption('confirm', confirm, 'true or false');
    this.#owner = owner;
    this.address = address;
    this.#policy = reconnectPolicy(reconnect);
    this.#keeps = whileDown === 'keep';
    this.#maxKept = maxKept;
    this.#confirms = confirm;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const { reconnect: _r, whileDown: _w, maxKept: _m, confirm: _c, ...dialling } = options;
    checkTarget(address, dialling);
    this.#context = options.context;
    this.#dialling = dialling;
  }

  /** Connects, and rejects when that fails: it is over then. */
  async first(signal: AbortSignal | undefined): Promise<Conn> {
    try {
      return await this.#dial(signal);
    } catch (error) {
      this.#end(errorOf(error));
      throw error;
    }
  }

  /** Connects, and keeps trying. */
  begin(): void {
    this.#dial().catch((error: unknown) => {
      this.#tellDown(errorOf(error));
      this.#failed(errorOf(error));
    });
  }

  get pendingMessages(): number {
    return this.#kept.count;
  }

  get pendingBytes(): number {
    return this.#kept.bytes;
  }

  async #dial(given?: AbortSignal): Promise<Conn> {
    const context = this.#context;
    const own = this.#abort.signal;
    const signal = given === undefined ? own : AbortSignal.any([given, own]);
    return this.#owner.dial(this.address, { ...this.#dialling, context, signal }, this);
  }

  /** Once for each break: what follows is most often the same. */
  #tellDown(error: Error): void {
    if (this.isOver || this.#toldDown || this.#attempts >= this.#policy.limit) return;
    this.#toldDown = true;
    this.#owner.report(`a link cannot connect to ${this.address}; it keeps trying`, error);
  }

  #failed(error: Error): void {
    if (this.isOver) return;
    if (this.#attempts >= this.#policy.limit) {
      this.#owner.report('a link was given up: its attempts to connect failed', error);
      this.#end(error);
      return;
    }
    this.#attempts++;
    this.#lastDelay = delayBefore(this.#attempts, this.#policy);
    const again = (): void => this.#scope.runInAsyncScope(this.begin, this);
    this.#timer = setTimeout(again, this.#lastDelay);
  }

  // -- the connection -----------------------------------------------------------------------------

  connectionOpened(c: Conn): void {
    this.conn = c;
    this.#bytesAhead = this.#owner.bytesAhead;
    this.#peerEnded = this.#restWaits = this.#toldDown = false;
    this.#underWay = 0;
    this.#upSince = performance.now();
    if (this.#wasUp) {
      this.reconnects++;
      this.#scope.runInAsyncScope(this.#callOnReconnect, this, c);
    }
    this.#wasUp = true;
  }

  #callOnReconnect(c: Conn): void {
    try {
      const answer: unknown = this.#policy.onReconnect?.(c, this.#attempts);
      watch(answer, (thrown) => this.#reconnectFailed(thrown));
    } catch (thrown) {
      this.#reconnectFailed(thrown);
    }
  }

  #reconnectFailed(thrown: unknown): void {
    this.#owner.report('onReconnect of a link failed; the link goes on', thrown);
  }

  /** Behind the answer, which may be how both sides get to know each other. */
  openingAnswered(c: Conn): void {
    this.#ready = true;
    if (this.#closing) this.#closeNow(c);
    else this.#sendKept(c);
  }

  peerEnded(): void {
    this.#peerEnded = true;
  }

  programLeaves(c: Conn, inOrder: boolean): void {
    if (this.#peerEnded || this.#closing) return;
    this.#closing = true;
    if (inOrder) this.#sendAllNow(c);
  }

  /** As much as the connection takes without being slow; the rest when the kernel has that. */
  #sendKept(c: Conn): void {
    for (;;) {
      if (this.conn !== c) return;
      const message = this.#kept.peekUnsent();
      if (message === undefined) return;
      const pending = c.outboundBuffered();
      if (pending > 0 && pending + message.length > this.#bytesAhead) {
        this.#sendRestLater(c);
        return;
      }
      this.#kept.takeUnsent();
      this.#send(c, message);
    }
  }

  #sendRestLater(c: Conn): void {
    if (this.#restWaits) return;
    this.#restWaits = true;
    const goOn = (): void => {
      if (this.conn !== c) return;
      this.#restWaits = false;
      this.#sendKept(c);
    };
    // Where it rejects the connection is closing: what is left goes to the next one.
    c.flushWrite(nothing, true).then(goOn, () => {});
  }

  #send(c: Conn, message: KeptMessage): void {
    // One message may be longer than the mark, and so may several when they are encoded: closed for
    // that, each connection would end like the one before.
    if (this.#underWay++ === 0) setPaced(c, true);
    c.flushWrite(message.data).then(
      () => {
        this.#arrived(c);
        if (!this.#confirms) this.#kept.done(message);
      },
      (error: unknown) => {
        this.#arrived(c);
        if (error instanceof ErrConnClosed || this.conn !== c) return;
        this.#owner.report('a message of a link was dropped: it cannot be sent', error);
        this.#kept.done(message);
      },
    );
  }

  #arrived(c: Conn): void {
    if (this.conn === c && --this.#underWay === 0) setPaced(c, false);
  }

  connectionClosed(c: Conn, error: Error | undefined, heard: boolean): void {
    this.#context = c.context;
    this.conn = null;
    this.#ready = false;
    this.#kept.unsend();
    if (this.isOver || this.#closing || (error === undefined && !this.#peerEnded)) {
      this.#end(undefined);
      return;
    }
    // A peer that ends each connection at once is no better than one that refuses: the waits keep
    // growing.
    const lasted = performance.now() - this.#upSince >= this.#lastDelay;
    if (heard || lasted) this.#attempts = 0;
    this.#failed(error ?? new ErrConnClosed(`the peer has closed the link to ${this.address}`));
  }

  // -- as the program sees it ---------------------------------------------------------------------

  write(given: Sendable): boolean {
    const data = plainBytes(given);
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      throw new ErrInvalidReply(`cannot write a ${typeof data}: give a Uint8Array or a string`);
    }
    const { conn } = this;
    if (this.isOver || this.#closing || (conn === null && !this.#keeps)) return false;
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const { count, bytes } = this.#kept;
    const held = bytes + count * messageOverheadBytes;
    if (count > 0 && held + length + messageOverheadBytes > this.#maxKept) return false;
    this.#kept.add(typeof data === 'string' ? data : Buffer.from(data), length);
    if (conn !== null && this.#ready) this.#sendKept(conn);
    return true;
  }

  confirm(count = 1): void {
    if (count !== Infinity && !(Number.isSafeInteger(count) && count >= 0)) {
      throw invalidOption('count', count, 'a whole number from 0 on, or Infinity for all');
    }
    this.#kept.confirm(count);
  }

  async close(): Promise<void> {
    const { conn } = this;
    this.#closing = true;
    if (conn === null) {
      this.#abort.abort(new ErrConnClosed(`the link to ${this.address} was closed`));
      if (!this.isOver) this.#end(undefined);
    } else if (this.#ready) this.#closeNow(conn);
    else {
      // The promise of `onOpened` may never settle.
      conn.loop.schedule(Math.max(1, this.#owner.closeTimeout), () => conn.close());
    }
    await this.closed;
  }

  /** The client stops. */
  stop(): void {
    if (this.conn === null) {
      this.#end(undefined);
      return;
    }
    this.isOver = true;
    this.#sendAllNow(this.conn);
  }

  #closeNow(c: Conn): void {
    // Also where the peer has ended its side: it may still read.
    this.#sendAllNow(c);
    c.close();
  }

  /** The connection is about to close: it is given everything, and sends that on its way to the end. */
  #sendAllNow(c: Conn): void {
    this.#bytesAhead = Infinity;
    liftOutputLimits(c);
    if (this.#ready) this.#sendKept(c);
  }

  #end(error: Error | undefined): void {
    clearTimeout(this.#timer);
    // What has just left is done in a moment.
    if (this.#kept.count > 0) queueMicrotask(() => this.#tellRest());
    this.isOver = true;
    this.#settle(error);
    this.#owner.over(this);
  }

  #tellRest(): void {
    const { count } = this.#kept;
    if (count === 0) return;
    const lack = this.#confirms ? 'confirmed' : 'sent';
    const message = `a link to ${this.address} is over; messages that were not ${lack}: ${count}`;
    this.#owner.report(message, undefined);
  }
}
