import type { TLSSocket } from 'node:tls';
import { assert } from '../../base/assert.ts';
import type { GnetError } from '../../base/errors.ts';
import { readHeadroomBytes } from '../../base/limits.ts';
import type { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab } from '../../buffer/slab.ts';
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
import { socketFailure } from './socket-errors.ts';
import { Wire, type WireOwner } from './wire.ts';
import { WireOutput } from './wire-output.ts';

/** Bytes given to the socket in one write. */
const pieceBytesMax = 65_536;
/** Turns of the runtime after an end in which close_notify may still come out of what was received. */
const endTurns = 2;

/** What is true of a transport; bits of one number. */
const mark = {
  /** The receiver waits for `writable`. */
  awaited: 1,
  /** Our side ends as soon as everything is out. */
  shutdownDue: 2,
  /** The receiver knows of the peer's end. */
  endTold: 4,
  /** The receiver knows that the session has failed. */
  failureTold: 8,
  closed: 16,
  /** The transport below has ended. */
  endDue: 32,
  paused: 64,
  /** A turn in which what rests is delivered is asked for. */
  scheduled: 128,
  /** The kernel refused bytes, and the receiver has not heard of `writable` since. */
  refused: 256,
  /** close_notify has come. */
  endCame: 512,
} as const;

/**
 * TLS by `node:tls` between a transport and whoever uses one, for runtimes whose OpenSSL cannot be
 * called. A socket of `node:tls` stands on a stream in memory (`Wire`); what it makes of the bytes comes
 * a turn of the runtime later or sooner, where the other engine (`openssl-transport.ts`) answers at once.
 * Bytes count as taken when the socket has them: it holds 64 KiB at most.
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
  /** Plaintext that arrived while reading was paused. */
  #plain: Buffer[] = [];
  #marks = 0;
  #handshakeBytes = 0;
  /** Taken of the user, over the life of the stream. */
  #dataBytes = 0;
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
    this.#output = new WireOutput(below, receiver.slot, pools.cipher);
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
    const { name, standardName, version } = socket.getCipher();
    const { alpnProtocol } = socket;
    return {
      protocol: socket.getProtocol() ?? '',
      cipher: { name, standardName, version },
      alpnProtocol: alpnProtocol ? alpnProtocol : false,
      resumed: socket.isSessionReused(),
      peerCertificate: socket.getPeerX509Certificate()?.raw,
      ...this.verification(socket),
    };
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
    this.state = TlsState.Handshaking;
    socket.on('error', (error: Error) => this.#socketFailed(error));
    // After its handshake a socket that no `tls.Server` has made tells of errors by this alone.
    socket.on('_tlsError', (error: Error) => this.#socketFailed(error));
    socket.on('end', () => this.#socketEnded());
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
    this.state = TlsState.Open;
    this.#receiver.opened();
    this.#tellWritable();
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
    if (this.#is(mark.failureTold | mark.closed)) return;
    this.#marks |= mark.failureTold;
    this.#receiver.refused(error);
  }

  protected failAsPlainText(bytes: Uint8Array): void {
    this.fail(plainTextReceived(this.peerName, bytes, this.origin));
  }

  #plainCame(bytes: Buffer): void {
    this.#fruitlessBytes = 0;
    if (this.#is(mark.closed)) return;
    if (this.#is(mark.paused) || this.#plain.length > 0) this.#plain.push(bytes);
    else this.#deliver(bytes);
  }

  #deliver(bytes: Buffer): void {
    const { plain: pool } = this.#pools;
    for (let at = 0; at < bytes.length; ) {
      if (this.#is(mark.paused)) {
        this.#plain.unshift(bytes.subarray(at));
        return;
      }
      const slab = pool.take();
      const length = Math.min(bytes.length - at, slab.capacity - readHeadroomBytes);
      slab.bytes.set(bytes.subarray(at, at + length), readHeadroomBytes);
      at += length;
      this.#receiver.received(slab, readHeadroomBytes, readHeadroomBytes + length);
      pool.release(slab);
      if (this.#is(mark.closed)) return;
    }
  }

  /** Also right behind the last bytes that it has told, in which somebody may have paused. */
  #socketEnded(): void {
    this.#marks |= mark.endCame;
    if (!this.#is(mark.paused) && this.#plain.length === 0) this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#is(mark.endTold | mark.failureTold | mark.closed)) return;
    this.#marks |= mark.endTold;
    this.#receiver.ended();
  }

  // -- from below ---------------------------------------------------------------------------------

  abstract opened(): void;

  received(slab: Slab, start: number, end: number): void {
    if (this.#is(mark.closed | mark.failureTold)) return;
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
    while (!this.#is(mark.paused | mark.closed)) {
      const bytes = this.#plain.shift();
      if (bytes === undefined) break;
      this.#deliver(bytes);
    }
    if (this.#is(mark.paused | mark.closed)) return;
    this.socket?.resume();
    if (this.#is(mark.endCame)) this.#tellEnd();
    else if (this.#is(mark.endDue)) this.#lookForEnd();
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
    const rests = this.#plain.length > 0 || this.#restsInSocket;
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
    const { socket } = this;
    if (this.state >= TlsState.Failed) return -1;
    if (this.#brokenBy !== null) {
      setImmediate(() => this.#tellBroken());
      return -1;
    }
    let taken = 0;
    while (taken < length && this.#takesMore(socket)) {
      const count = Math.min(length - taken, pieceBytesMax);
      const from = offset + taken;
      socket.write(Buffer.from(bytes.subarray(from, from + count)), this.#written);
      taken += count;
    }
    this.#dataBytes += taken;
    if (taken < length) this.#marks |= mark.awaited;
    return taken;
  }

  #takesMore(socket: TLSSocket | null): socket is TLSSocket {
    return (
      this.state === TlsState.Open &&
      socket !== null &&
      !socket.writableNeedDrain &&
      socket.writableLength < pieceBytesMax
    );
  }

  /** A write has left. */
  readonly #written = (): void => {
    if (!this.#is(mark.awaited) || (this.socket?.writableLength ?? 0) > 0) return;
    // Never from inside a call that gave bytes.
    setImmediate(() => this.#tellWritable());
  };

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
    this.socket?.pause();
  }

  resumeReading(slot: number): void {
    this.#marks &= ~mark.paused;
    this.#below.resumeReading(slot);
    this.#schedule();
  }

  unsentBytes(slot: number): number {
    const below = Math.min(this.#below.unsentBytes(slot), this.#dataBytes);
    if (below < 0) return below;
    return below + this.#output.length + (this.socket?.writableLength ?? 0);
  }

  handedOver(slot: number): boolean {
    const rests = !this.#output.isEmpty || (this.socket?.writableLength ?? 0) > 0;
    if (!rests && this.#below.handedOver(slot)) return true;
    this.#marks |= mark.awaited;
    return false;
  }

  shutdownWrite(slot: number): void {
    assert(slot === this.slot, 'a transport of one stream');
    if (this.state === TlsState.Open) this.socket?.end();
    else this.wireEnded();
  }

  closeStream(slot: number, abort: boolean): void {
    if (!this.#is(mark.closed)) {
      // Says close_notify, if that can leave at once.
      if (!abort && this.state === TlsState.Open) this.socket?.end();
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
    this.#plain = [];
  }
}
