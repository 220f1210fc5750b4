import { asyncFrameCopyBytesMax } from '../base/limits.ts';
import { ErrInvalidReply, ErrUnsupportedOp } from '../base/errors.ts';
import { whenSettled } from '../base/settled.ts';
import type { Slab } from '../buffer/slab.ts';
import { peekAt, takeNext } from '../codec/frame.ts';
import type { DatagramPeer } from '../driver/contract.ts';
import { Action } from './action.ts';
import type { Bytes, Conn, ConnId, EventHandler, LoopView, Reply, Timeouts } from './conn.ts';
import { Prepared, type Sendable } from './prepared.ts';
import type { DatagramOwner } from './datagram-owner.ts';
import type { EventScope } from '../host/event-scope.ts';
import type { HandlerEvents } from './owner.ts';
import { callPreWrite } from './handler-events.ts';
import { notWritable } from './connection-errors.ts';
import { poisonFrame } from './poison.ts';
import { isKept, retainFrame } from './retaining.ts';
import { isBytes, kindOfReply, type ReplyPair, replyKind } from './reply.ts';
import type { SharedPeer } from './shared-peer.ts';

type React = NonNullable<EventHandler['react']>;
/** In memory of its own, as a frame that is poisoned must be. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** Datagrams share the socket of their endpoint. */
function notForDatagrams(name: string, hint: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(
    `cannot ${name} on a datagram: it is for stream connections; ${hint}`,
  );
}

const nothing = Buffer.alloc(0);

/** @throws ErrInvalidReply */
function bytesOf(data: Sendable): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (isBytes(data)) return data;
  if (Prepared.is(data)) return Prepared.payloadOf(data);
  throw new ErrInvalidReply('cannot send this as a datagram: give a Uint8Array or a string');
}

/**
 * One datagram and its sender: a new object each time. `sendTo` still works after the
 * handler has returned; the bytes do not. No codec, nothing to close, nothing buffered.
 */
export class DatagramConnection implements Conn {
  // Of the prototype until they are set: few datagrams need them, and each field costs every one.
  declare context: unknown;
  declare codecState: unknown;
  declare scanned: number;
  static {
    DatagramConnection.prototype.context = undefined;
    DatagramConnection.prototype.codecState = undefined;
    DatagramConnection.prototype.scanned = 0;
  }

  protected readonly owner: DatagramOwner;
  readonly endpoint: number;
  /** The sender, as the driver takes it. */
  readonly peer: SharedPeer;
  #frame: Buffer | null = null;
  /** What `#frame` is, or is a part of. */
  #lent: Buffer | null = null;
  /** Which of our addresses was asked, where the endpoint has several. */
  protected local: DatagramPeer | null;
  typeOfService: number;

  constructor(
    owner: DatagramOwner,
    endpoint: number,
    peer: SharedPeer,
    local: DatagramPeer | null,
  ) {
    this.local = local;
    this.owner = owner;
    this.endpoint = endpoint;
    this.peer = peer;
    this.typeOfService = owner.driver.typeOfService;
  }

  get readEnded(): boolean {
    return false;
  }

  /** Whose events these are: the server's, unless a session was given its own. */
  protected get events(): HandlerEvents {
    return this.owner.calls.events;
  }

  protected get eventScope(): EventScope {
    return this.owner.calls.scope;
  }

  /** Nothing is sent, and no event called, through one that is closed. */
  protected get isOpen(): boolean {
    return this.owner.ports.isOpen(this.endpoint);
  }

  /** Calls `react` with the datagram in the slab and sends the answer. */
  receive(slab: Slab, start: number, end: number): void {
    const { owner, events } = this;
    if (!events.react) return;
    const standing = slab.view(start, end);
    const copied =
      owner.poisonFrames || (owner.openPromises > 0 && end - start <= asyncFrameCopyBytesMax);
    const frame = copied ? copyOf(standing) : standing;
    this.#frame = this.#lent = frame;
    try {
      const react = events.handler.react as React;
      const reply = this.eventScope.runInAsyncScope(react, events.handler, frame, this);
      if (reply === frame && !copied) {
        this.#answerFrom(slab, start, end - start);
      } else if (kindOfReply(reply) === replyKind.promise) {
        this.suspend('react', reply as PromiseLike<Reply>, frame, copied ? null : slab);
        return;
      } else {
        this.apply(reply as Reply);
      }
    } catch (error) {
      this.handlerFailed('react', error);
    }
    this.#expire(frame);
  }

  protected handlerFailed(event: string, error: unknown): void {
    this.owner.report(`${event} failed for a datagram; the others go on`, error);
  }

  /** The handler is done with its datagram. */
  #expire(frame: Buffer): void {
    if (this.#lent === frame) this.#frame = this.#lent = null;
    // A copy then, in memory that nothing is received into: it stays what it is made here.
    if (this.owner.poisonFrames && !isKept(frame)) poisonFrame(frame);
  }

  /** `slab` holds the datagram, unless it was copied. */
  protected suspend(
    event: string,
    promise: PromiseLike<Reply>,
    frame: Buffer | null,
    slab: Slab | null,
  ): void {
    const { owner } = this;
    owner.openPromises++;
    owner.datagramWaits(1);
    if (slab !== null) owner.readPool.retain(slab);
    whenSettled(
      promise,
      (reply) => this.#settled(event, reply, frame, slab),
      (thrown) => {
        this.handlerFailed(event, thrown);
        this.#settled(event, undefined, frame, slab);
      },
    );
  }

  #settled(event: string, reply: Reply, frame: Buffer | null, slab: Slab | null): void {
    const { owner } = this;
    try {
      this.apply(reply);
    } catch (error) {
      this.handlerFailed(event, error);
    }
    this.settled(event);
    if (frame !== null) this.#expire(frame);
    owner.openPromises--;
    if (slab !== null) owner.readPool.release(slab);
    owner.datagramWaits(-1);
  }

  /** The promise of an event has settled, and its answer has been taken. */
  protected settled(_event: string): void {}

  /** @throws ErrInvalidReply */
  protected apply(reply: Reply): void {
    const kind = kindOfReply(reply);
    if (kind === replyKind.action) this.act(reply as Action);
    else if (kind === replyKind.bytes) this.#answer(reply as Sendable);
    else if (kind === replyKind.pair) {
      const [bytes, action] = reply as ReplyPair;
      if (bytes !== undefined && bytes !== null) this.#answer(bytes);
      this.act(action);
    }
  }

  /** A datagram has nothing to close: `Action.Close` is ignored. */
  protected act(action: number): void {
    if (action === Action.Shutdown) this.owner.requestShutdown();
  }

  #answer(data: Sendable): void {
    this.#callPreWrite();
    this.sendTo(data);
  }

  #callPreWrite(): void {
    const { owner, events } = this;
    if (events.preWrite) callPreWrite(owner, events.handler, this.eventScope, this);
  }

  /** An answer that is the datagram itself goes out from the slab. */
  #answerFrom(slab: Slab, start: number, length: number): void {
    this.#callPreWrite();
    // The handler itself may have closed the server.
    if (!this.isOpen) return;
    const { driver } = this.owner;
    const { endpoint, peer, local } = this;
    if (driver.sendDatagramFrom(endpoint, peer, slab, start, length, local)) this.sent();
    else this.refused();
  }

  /** A datagram was taken, or refused, from outside a batch or into one. */
  protected sent(): void {}
  protected refused(): void {}

  /** False when the kernel did not take it, or the endpoint is closed. */
  sendTo(data: Sendable): boolean {
    if (!this.isOpen) return false;
    const { driver } = this.owner;
    const taken = driver.sendDatagram(this.endpoint, this.peer, bytesOf(data), this.local);
    if (taken) this.sent();
    else this.refused();
    return taken;
  }

  sendAll(datagrams: readonly Bytes[]): number {
    if (!this.isOpen) return 0;
    const all = datagrams.map(bytesOf);
    const taken = this.owner.driver.sendDatagrams(this.endpoint, this.peer, all, this.local);
    if (taken > 0) this.sent();
    if (taken < all.length) this.refused();
    return taken;
  }

  setTypeOfService(_value: number): void {
    throw notForDatagrams('setTypeOfService', 'use the option udp: { typeOfService: 0x20 }');
  }

  /** Proxies put their header in front of streams only. */
  get tls(): undefined {
    return undefined;
  }

  get proxied(): undefined {
    return undefined;
  }

  asyncWrite(data: Sendable): boolean {
    return this.sendTo(data);
  }
  writeNoCodec(data: Sendable): boolean {
    return this.sendTo(data);
  }
  tryWrite(): number {
    throw notForDatagrams('tryWrite', 'send one datagram with sendTo');
  }
  writev(): boolean {
    throw notForDatagrams('writev', 'send one datagram with sendTo');
  }
  asyncWritev(): boolean {
    throw notForDatagrams('asyncWritev', 'send one datagram with sendTo');
  }
  async flushWrite(data: Sendable): Promise<void> {
    if (!this.isOpen) throw notWritable(this.remoteAddr);
    const { driver } = this.owner;
    const bytes = bytesOf(data);
    if (!driver.sendDatagramNow(this.endpoint, this.peer, bytes, this.local)) {
      throw driver.datagramError();
    }
    this.sent();
  }

  /** A single datagram has nothing that could close. */
  get isClosed(): boolean {
    return false;
  }

  get id(): ConnId {
    return -1;
  }
  get safeContext(): unknown {
    return undefined;
  }
  set safeContext(_value: unknown) {
    throw notForDatagrams('set safeContext', 'use context');
  }
  get loop(): LoopView {
    return this.owner.face;
  }
  get fd(): number {
    return -1;
  }
  get localAddr(): string {
    return this.owner.ports.address(this.endpoint, this.local);
  }
  get remoteAddr(): string {
    const { peer } = this;
    peer.text ??= this.owner.driver.formatPeer(peer);
    return peer.text;
  }

  get localPort(): number {
    return this.owner.ports.port(this.endpoint);
  }
  get remotePort(): number {
    return this.peer.port;
  }

  bufferLength(): number {
    return this.#frame?.length ?? 0;
  }
  read(): Buffer {
    return this.#frame ?? nothing;
  }
  readN(n: number): Buffer {
    const frame = this.#frame ?? nothing;
    return n > 0 && n <= frame.length ? frame.subarray(0, n) : frame;
  }
  shiftN(n: number): number {
    if (n === 0) return 0;
    const frame = this.#frame ?? nothing;
    const count = n > 0 && n <= frame.length ? n : frame.length;
    this.#frame = frame.subarray(count);
    return count;
  }
  resetBuffer(): void {
    this.#frame = null;
  }
  peek(n = -1): Buffer | null {
    return peekAt(this, n);
  }
  next(n = -1): Buffer | null {
    return takeNext(this, n);
  }
  discard(n = -1): number {
    return this.shiftN(n);
  }
  inboundBuffered(): number {
    return this.bufferLength();
  }
  byteAt(offset: number): number {
    return (this.#frame ?? nothing)[offset] as number;
  }
  indexOfByte(byte: number, from: number): number {
    return (this.#frame ?? nothing).indexOf(byte, from);
  }

  // A datagram is no connection: what is about one does nothing.
  wake(): void {}
  pauseRead(): void {}
  resumeRead(): void {}
  end(): void {}
  close(): void {}
  reset(): void {}
  setTimeouts(_timeouts: Timeouts): void {}
  destroy(): void {}
  flush(): void {}
  setFlow(): void {}
  setNoDelay(): void {}
  setKeepAlive(): void {}
  setLinger(): void {
    throw notForDatagrams('setLinger', 'there is nothing to close');
  }
  setReadBuffer(): void {
    throw notForDatagrams('setReadBuffer', 'use the option socketRecvBuffer');
  }
  setWriteBuffer(): void {
    throw notForDatagrams('setWriteBuffer', 'use the option socketSendBuffer');
  }
  setUserTimeout(): void {
    throw notForDatagrams('setUserTimeout', 'nothing is acknowledged');
  }
  setQuickAck(): void {
    throw notForDatagrams('setQuickAck', 'nothing is acknowledged');
  }
  tcpInfo(): undefined {
    return undefined;
  }
  sendDescriptor(): boolean {
    throw notForDatagrams('sendDescriptor', 'use a Unix stream');
  }

  receiveDescriptor(): number {
    throw notForDatagrams('receiveDescriptor', 'use a Unix stream');
  }

  dup(): number {
    throw notForDatagrams('dup', 'use dupFd of the server');
  }
  retain(frame: Uint8Array): () => void {
    return retainFrame(this.owner, frame, this);
  }
  setTimer(): () => void {
    throw new ErrUnsupportedOp(
      'cannot set a timer for a datagram: it ends with its event; use c.loop.schedule',
    );
  }
  outboundBuffered(): number {
    return 0;
  }
  setCodec(): void {
    throw new ErrUnsupportedOp(
      'cannot set a codec for a datagram: it is a whole message; a codec is for stream connections',
    );
  }
  setHandler(_handler: unknown): void {
    throw new ErrUnsupportedOp(
      'cannot set a handler for a datagram: each is a connection of its own; use the one of serve',
    );
  }
  upgradeTls(_options: unknown): Promise<void> {
    return Promise.reject(
      new ErrUnsupportedOp('cannot upgrade a datagram to TLS: TLS is for stream connections'),
    );
  }
}
