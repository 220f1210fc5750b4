import type { TLSSocket } from 'node:tls';
import { assert } from '../../base/assert.ts';
import type { GnetError } from '../../base/errors.ts';
import { isMemoryLack } from '../../base/memory-lack.ts';
import { readHeadroomBytes } from '../../base/limits.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import type { StreamReceiver, Transport } from '../../driver/transport.ts';
import { handshakeBytesMax, recordBytesMax, unreadAnswersMax } from '../limits.ts';
import {
  answersUnread,
  endedInHandshake,
  handshakeTooLong,
  optionThrew,
  type Origin,
  plainTextReceived,
  truncated,
} from '../peer-errors.ts';
import type { SessionFacts } from '../session-facts.ts';
import { TlsState, tlsStateNames } from '../session-states.ts';
import type { TlsPools, TlsReceiver } from '../transport-contract.ts';
import { PlainInput } from './plain-input.ts';
import { socketFailure } from './socket-errors.ts';
import { factsOfSocket } from './socket-facts.ts';
import { SocketOutput } from './socket-output.ts';
import { mark } from './transport-marks.ts';
import { Wire, type WireOwner } from './wire.ts';
import { WireOutput } from './wire-output.ts';

/** Turns of the runtime after an end in which close_notify may still come out of what was received. */
const endTurns = 2;

/**
 * TLS by `node:tls` between a transport and whoever uses one, for runtimes whose OpenSSL cannot be
 * called. A socket of `node:tls` stands on a stream in memory (`Wire`). Bytes count as taken when the
 * socket has them. Where its writes can be made to be over at once (`PromptWrites`), their ciphertext has
 * left by then, or waits here for the transport below; elsewhere up to 64 KiB stay in the socket for a
 * turn of the runtime.
 */
export abstract class NodeTransport implements Transport, StreamReceiver, WireOwner {
  readonly slot: number;
  readonly generation: number;
  protected readonly wire: Wire;
  protected socket: TLSSocket | null = null;
  protected state: TlsState;
  protected abstract readonly peerRole: string;
  /** Whose address messages name. */
  peer: { readonly remoteAddr: string } | null = null;
  readonly #below: Transport;
  readonly #receiver: TlsReceiver;
  readonly #pools: TlsPools;
  readonly #output: WireOutput;
  readonly #sending: SocketOutput;
  /** Plaintext that the receiver has not got yet. */
  readonly #plain = new PlainInput();
  #marks = 0;
  #handshakeBytes = 0;
  /** What the session has failed of, while the receiver does not know. */
  #failure: GnetError | null = null;
  /** What the stream below has broken of, while what came before is on its way through the socket. */
  #brokenBy: GnetError | null = null;
  /** Received since output is stuck and no plaintext came. */
  #fruitlessBytes = 0;
  #turnsLeft = endTurns;

  constructor(below: Transport, receiver: TlsReceiver, pools: TlsPools, state: TlsState) {
    this.slot = receiver.slot;
    this.generation = receiver.generation;
    this.#below = below;
    this.#receiver = receiver;
    this.#pools = pools;
    this.state = state;
    const lost = (error: GnetError): void => this.#lacksMemory(error);
    this.#output = new WireOutput(below, receiver.slot, pools.cipher, lost);
    // Never from inside a call that gave bytes.
    this.#sending = new SocketOutput(this.#output, () => {
      if (this.#is(mark.awaited)) setImmediate(() => this.#tellWritable());
    });
    this.wire = new Wire(this);
  }

  #is(bits: number): boolean {
    return (this.#marks & bits) !== 0;
  }

  get isOpen(): boolean {
    return this.state === TlsState.Open;
  }

  /** Nothing is left of a handshake: it is open, or has failed. */
  get isSettled(): boolean {
    return this.state >= TlsState.Open;
  }

  /** Of the peer, for messages. */
  get peerName(): string {
    const address = this.peer?.remoteAddr ?? '';
    return /\d$/.test(address) ? `${this.peerRole} ${address}` : this.peerRole;
  }

  protected get origin(): Origin {
    return this.peer === null ? {} : { address: this.peer.remoteAddr };
  }

  get hasFacts(): boolean {
    return this.socket !== null && this.state === TlsState.Open;
  }

  /** What both sides have agreed on, and who the peer is. Of an open session. */
  facts(): SessionFacts {
    const { socket } = this;
    assert(socket !== null, `a session that ${tlsStateNames[this.state]} has no facts`);
    return { ...factsOfSocket(socket), ...this.verification(socket) };
  }

  protected abstract verification(
    socket: TLSSocket,
  ): Pick<SessionFacts, 'authorized' | 'authorizationError'>;

  /** The session may end without close_notify. */
  protected abstract readonly ignoresTruncation: boolean;

  // -- what the socket tells ----------------------------------------------------------------------

  /** The session begins. */
  protected adopt(socket: TLSSocket, keylog: ((line: string) => void) | undefined): void {
    this.socket = socket;
    this.#sending.adopt(socket);
    this.state = TlsState.Handshaking;
    socket.on('error', (error: Error) => this.#socketFailed(error));
    // After its handshake a socket that no `tls.Server` has made tells of errors by this alone.
    socket.on('_tlsError', (error: Error) => this.#socketFailed(error));
    socket.on('end', () => {
      this.#marks |= mark.endCame;
      this.#tell();
    });
    socket.on('data', (bytes: Buffer) => this.#plainCame(bytes));
    if (keylog === undefined) return;
    socket.on('keylog', (line: Buffer) => {
      try {
        keylog(line.toString('latin1').trimEnd());
      } catch (thrown) {
        this.fail(optionThrew(this.peerName, 'keylog', thrown, this.origin));
      }
    });
  }

  /** The handshake is over, and the peer is accepted. */
  protected secured(): void {
    if (this.state !== TlsState.Handshaking || this.#is(mark.closed)) return;
    if (this.#brokenBy !== null) return;
    this.state = TlsState.Open;
    this.#marks |= mark.openDue;
    this.#tell();
  }

  #socketFailed(error: Error): void {
    const { peerName: peer, origin } = this;
    this.fail(socketFailure({ opened: this.state === TlsState.Open, peer, origin }, error));
  }

  /** What the socket had to say of it is sent by now. */
  protected fail(error: GnetError): void {
    if (this.state >= TlsState.Failed) return;
    this.state = TlsState.Failed;
    this.socket?.destroy();
    this.#failure = error;
    this.#tell();
  }

  protected failAsPlainText(bytes: Uint8Array): void {
    this.fail(plainTextReceived(this.peerName, bytes, this.origin));
  }

  #plainCame(bytes: Buffer): void {
    this.#fruitlessBytes = 0;
    if (this.#is(mark.closed)) return;
    this.#plain.push(bytes);
    this.#tell();
  }

  /** Ciphertext for the socket. What it makes of one read goes up in one piece. */
  protected feed(bytes: Buffer): void {
    this.#marks |= mark.feeding;
    this.wire.push(bytes);
    this.#marks &= ~mark.feeding;
    this.#sending.finishWrites();
    this.#tell();
  }

  /** What is due goes up in its order. */
  #tell(): void {
    if (this.#is(mark.feeding | mark.closed)) return;
    if (this.#is(mark.openDue)) this.#tellOpen();
    this.#deliver();
    if (this.#is(mark.closed)) return;
    // Nobody reads before the session is open, nor pauses.
    if (this.#is(mark.openTold) && (this.#is(mark.paused) || !this.#plain.isEmpty)) return;
    if (this.#failure === null) {
      if (this.#is(mark.endCame)) this.#tellEnd();
    } else if (!this.#is(mark.failureTold)) {
      this.#marks |= mark.failureTold;
      this.#receiver.refused(this.#failure);
    }
  }

  #tellOpen(): void {
    this.#marks = (this.#marks & ~mark.openDue) | mark.openTold;
    this.#receiver.opened();
    this.#tellWritable();
  }

  #deliver(): void {
    const { plain: pool } = this.#pools;
    while (!this.#plain.isEmpty && !this.#is(mark.paused | mark.closed)) {
      const slab = this.#takeSlab(pool);
      if (slab === null) return;
      const end = this.#plain.moveTo(slab.bytes, readHeadroomBytes);
      this.#receiver.received(slab, readHeadroomBytes, end);
      pool.release(slab);
    }
  }

  /** Null without memory: the stream is broken then, and what was to be delivered stays here. */
  #takeSlab(pool: SlabPool): Slab | null {
    try {
      return pool.take();
    } catch (error) {
      if (!isMemoryLack(error)) throw error;
      this.#lacksMemory(error);
      return null;
    }
  }

  /** This stream alone is broken. This may be inside a write of the socket, or a call from above. */
  #lacksMemory(error: GnetError): void {
    this.#brokenBy ??= error;
    setImmediate(() => this.#tellBroken());
  }

  #tellEnd(): void {
    if (this.#is(mark.endTold | mark.failureTold)) return;
    this.#marks |= mark.endTold;
    this.#receiver.ended();
  }

  // -- from below ---------------------------------------------------------------------------------

  abstract opened(): void;

  received(slab: Slab, start: number, end: number): void {
    if (this.#is(mark.closed | mark.failureTold) || this.#brokenBy !== null) return;
    if (this.state < TlsState.Open) {
      this.#handshakeBytes += end - start;
      if (this.#handshakeBytes > handshakeBytesMax) {
        this.fail(handshakeTooLong(this.peerName, this.origin));
        return;
      }
    } else {
      this.#receiver.bytesCame();
      if (this.#output.isStuck && !this.#bearsMore(end - start)) return;
    }
    this.take(slab.bytes, start, end);
  }

  /** Records without plaintext ask for answers, and the socket would keep any number of those. */
  #bearsMore(count: number): boolean {
    this.#fruitlessBytes += count;
    if (this.#fruitlessBytes <= unreadAnswersMax + recordBytesMax) return true;
    this.fail(answersUnread(this.peerName, unreadAnswersMax, this.origin));
    return false;
  }

  /** Ciphertext, or what should be some. */
  protected abstract take(bytes: Uint8Array, start: number, end: number): void;

  ended(): void {
    if (this.#is(mark.closed)) return;
    this.#marks |= mark.endDue;
    if (this.state >= TlsState.Open) {
      this.#schedule();
      return;
    }
    this.state = TlsState.Failed;
    this.socket?.destroy();
    this.#marks |= mark.failureTold | mark.endTold;
    this.#receiver.endedEarly(endedInHandshake(this.peerName, this.origin));
  }

  /**
   * The peer's last word may still be on its way through the socket. When there is nothing left to be
   * read and no end came out, there was none.
   */
  #lookForEnd(): void {
    if (this.#is(mark.endTold | mark.failureTold)) return;
    const rests = this.#restsInSocket;
    if (rests || this.#turnsLeft > 0) {
      if (!rests) this.#turnsLeft--;
      this.#schedule();
      return;
    }
    if (this.#brokenBy !== null) {
      this.#tellBroken();
      return;
    }
    if (this.ignoresTruncation) {
      this.#tellEnd();
      return;
    }
    this.#marks |= mark.endTold;
    this.#receiver.endedEarly(truncated(this.peerName, this.origin));
  }

  #schedule(): void {
    if (this.#is(mark.scheduled)) return;
    this.#marks |= mark.scheduled;
    setImmediate(() => this.#goOn());
  }

  /** A turn later: what rests is delivered, then the end is looked for. */
  #goOn(): void {
    this.#marks &= ~mark.scheduled;
    this.#tell();
    if (!this.#is(mark.paused | mark.closed) && this.#is(mark.endDue)) this.#lookForEnd();
  }

  writable(): void {
    // Checked before the bytes continue.
    if (this.#below.refuses?.(this.slot)) this.#marks |= mark.refused;
    if (!this.#flushOwn()) return;
    this.#tellWritable();
  }

  failed(error: GnetError): void {
    this.#brokenBy = error;
    this.#marks = (this.#marks | mark.endDue) & ~mark.awaited;
    const rests = !this.#plain.isEmpty || this.#restsInSocket;
    if (rests && this.state === TlsState.Open && !this.#is(mark.paused)) this.#schedule();
    else this.#tellBroken();
  }

  #tellBroken(): void {
    const error = this.#brokenBy;
    if (error === null || this.#is(mark.failureTold | mark.closed)) return;
    this.#marks |= mark.failureTold;
    this.state = TlsState.Failed;
    this.socket?.destroy();
    this.#receiver.failed(error);
  }

  get #restsInSocket(): boolean {
    return this.wire.readableLength > 0 || (this.socket?.readableLength ?? 0) > 0;
  }

  // -- the wire -----------------------------------------------------------------------------------

  carry(bytes: Buffer, done: () => void): void {
    if (this.#is(mark.closed) || this.#brokenBy !== null) done();
    else this.#output.carry(bytes, done);
  }

  /** Sends in clear what is no message of TLS, or one of ours: the session has not begun. */
  protected sendOwn(bytes: Uint8Array): void {
    this.#output.send(bytes);
  }

  wireEnded(): void {
    if (this.#is(mark.closed) || this.#brokenBy !== null) return;
    if (this.#output.isEmpty) this.#below.shutdownWrite(this.slot);
    else this.#marks |= mark.shutdownDue;
  }

  /** True when nothing of ours is left; then our side is ended if it was to be. */
  #flushOwn(): boolean {
    this.#output.flush();
    this.#sending.finishWrites();
    if (!this.#output.isStuck) this.#fruitlessBytes = 0;
    if (this.#is(mark.shutdownDue) && this.#output.isEmpty) {
      this.#marks &= ~mark.shutdownDue;
      this.#below.shutdownWrite(this.slot);
    }
    return this.#output.isEmpty;
  }

  // -- from above ---------------------------------------------------------------------------------

  send(slot: number, slab: Slab, offset: number, length: number): number {
    assert(slot === this.slot, 'a transport of one stream');
    return this.#write(slab.bytes, offset, length);
  }

  sendBytes(slot: number, bytes: Uint8Array): number {
    assert(slot === this.slot, 'a transport of one stream');
    return this.#write(bytes, 0, bytes.length);
  }

  /** Copies as much as the socket wants; negative when the session has failed. */
  #write(bytes: Uint8Array, offset: number, length: number): number {
    if (this.state >= TlsState.Failed) return -1;
    if (this.#brokenBy !== null) {
      setImmediate(() => this.#tellBroken());
      return -1;
    }
    const isOpen = this.state === TlsState.Open;
    const taken = isOpen ? this.#sending.write(bytes, offset, length) : 0;
    if (taken < length) this.#marks |= mark.awaited;
    return taken;
  }

  #tellWritable(): void {
    if (!this.#is(mark.awaited) || this.#is(mark.closed) || this.state !== TlsState.Open) return;
    this.#marks &= ~mark.awaited;
    this.#receiver.writable();
    this.#marks &= ~mark.refused;
  }

  flush(slot: number, queue: OutboundQueue): boolean {
    assert(slot === this.slot, 'a transport of one stream');
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      const count = slab.end - slab.start;
      const taken = this.#write(slab.bytes, slab.start, count);
      if (taken < 0) return false;
      queue.consume(taken);
      if (taken < count) return false;
    }
    return true;
  }

  refuses(slot: number): boolean | undefined {
    return this.#is(mark.refused) || this.#below.refuses?.(slot);
  }

  pauseReading(slot: number): void {
    this.#marks |= mark.paused;
    this.#below.pauseReading(slot);
  }

  resumeReading(slot: number): void {
    this.#marks &= ~mark.paused;
    this.#below.resumeReading(slot);
    this.#schedule();
  }

  unsentBytes(slot: number): number {
    const below = Math.min(this.#below.unsentBytes(slot), this.#sending.bytesTaken);
    if (below < 0) return below;
    return below + this.#output.length + this.#sending.length;
  }

  handedOver(slot: number): boolean {
    const rests = !this.#output.isEmpty || this.#sending.length > 0;
    if (!rests && this.#below.handedOver(slot)) return true;
    this.#marks |= mark.awaited;
    return false;
  }

  shutdownWrite(slot: number): void {
    assert(slot === this.slot, 'a transport of one stream');
    if (this.state === TlsState.Open) this.#sending.end();
    else this.wireEnded();
  }

  /** See `Transport.sendLast`. What is encrypted here leaves with our queue, in `closeStream`. */
  sendLast(slot: number, queue: OutboundQueue): void {
    assert(slot === this.slot, 'a transport of one stream');
    const behindSend = this.#below.sendLast !== undefined && this.refuses(slot) !== true;
    if (this.state === TlsState.Open && behindSend) this.#sending.writeLast(queue);
    queue.clear();
  }

  closeStream(slot: number, abort: boolean): void {
    if (!this.#is(mark.closed)) {
      // Says close_notify, if that can leave at once.
      if (!abort && this.state === TlsState.Open) this.#sending.end();
      if (!abort) this.#output.leaveLast();
      this.#release();
    }
    this.#below.closeStream(slot, abort);
  }

  /** The loop is over, or the stream. */
  dispose(): void {
    if (!this.#is(mark.closed)) this.#release();
  }

  #release(): void {
    this.#marks |= mark.closed;
    this.state = TlsState.Freed;
    this.socket?.destroy();
    this.wire.destroy();
    this.#output.clear();
    this.#plain.clear();
  }
}
