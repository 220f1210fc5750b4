import { assert } from '../../base/assert.ts';
import type { GnetError } from '../../base/errors.ts';
import { isMemoryLack } from '../../base/memory-lack.ts';
import { readHeadroomBytes } from '../../base/limits.ts';
import { OutboundQueue } from '../../buffer/outbound-queue.ts';
import type { Slab, SlabPool } from '../../buffer/slab.ts';
import type { StreamReceiver, Transport } from '../../driver/transport.ts';
import { flushBytesPerTurn, heldBytesMax, recordBytesMax, unreadAnswersMax } from '../limits.ts';
import { bytesNotLeft } from './records-left.ts';
import type { TlsSession } from './session.ts';
import { TlsState } from '../session-states.ts';
import { mark } from './transport-marks.ts';
import {
  cipherSlabBytes,
  plainBytesPerSend,
  type TlsPools,
  type TlsReceiver,
} from '../transport-contract.ts';

/**
 * TLS between a transport and whoever uses one. Bytes count as taken when the ciphertext that they are
 * in has left: of what is encrypted and has not, the plaintext still stands in the user's queue.
 *
 *   user's queue   [== encrypted ==|======= waits =======]
 *                        |
 *   ours           [== its ciphertext ==]  --> transport below
 */
export class TlsTransport implements Transport, StreamReceiver {
  readonly slot: number;
  readonly generation: number;
  readonly session: TlsSession;
  readonly #below: Transport;
  readonly #receiver: TlsReceiver;
  readonly #pools: TlsPools;
  /** Ciphertext that the transport below has not taken; null when there is none. */
  #queue: OutboundQueue | null = null;
  /** Bytes at the head of the user's queue whose ciphertext stands in `#queue`. */
  #encrypted = 0;
  /** What each of their records has more than its plaintext. */
  #recordOverhead = 0;
  /** Ciphertext of the user's, over the life of the stream. */
  #dataBytes = 0;
  /** Messages of TLS itself that stand in `#queue`, at most. */
  #answersQueued = 0;
  #marks = 0;
  /**
   * The end of the handshake, a session ticket or a client's last message: it leaves with what the
   * program sends first. It goes to `end` of the slab. Only inside the call that ends the handshake;
   * then `#queue` is null.
   */
  #held: Slab | null = null;

  constructor(session: TlsSession, below: Transport, receiver: TlsReceiver, pools: TlsPools) {
    assert(pools.cipher.slabBytes >= cipherSlabBytes, 'a slab has room for what is sent at once');
    this.slot = receiver.slot;
    this.generation = receiver.generation;
    this.session = session;
    this.#below = below;
    this.#receiver = receiver;
    this.#pools = pools;
  }

  #is(bits: number): boolean {
    return (this.#marks & bits) !== 0;
  }

  // -- from below ---------------------------------------------------------------------------------

  /** The stream stands: a client begins, a server waits. */
  opened(): void {
    this.handshake();
  }

  received(slab: Slab, start: number, end: number): void {
    const { session } = this;
    if (this.#is(mark.closed | mark.failureTold | mark.cut)) return;
    session.receive(slab, start, end);
    if (session.state === TlsState.Open || this.#advance()) this.#read();
  }

  /**
   * Goes on with the handshake, also after the choice of a context; true when the session is open and
   * the receiver wants to go on.
   */
  handshake(): boolean {
    const goesOn = this.#advance();
    this.#sendHeld();
    return goesOn;
  }

  #advance(): boolean {
    const { session } = this;
    const before = session.state;
    const opens = session.handshake();
    if (opens && this.#queue === null && !this.#is(mark.closed)) this.#holdOutput();
    this.#sendOutput();
    if (before !== TlsState.Open) session.tellKeys();
    if (session.failure !== null) this.#tellFailure();
    else if (opens && before !== TlsState.Open) this.#tellOpen();
    return session.state === TlsState.Open && !this.#is(mark.closed);
  }

  #tellOpen(): void {
    this.#receiver.opened();
    if (this.#queue === null) this.#tellWritable();
  }

  #tellWritable(): void {
    const { state } = this.session;
    if (!this.#is(mark.awaited) || this.#is(mark.closed) || state < TlsState.Open) return;
    this.#marks &= ~mark.awaited;
    this.#receiver.writable();
    this.#marks &= ~mark.refused;
  }

  /** All plaintext of one read goes up in one piece: whoever pauses then has nothing left below. */
  #read(): void {
    const { session } = this;
    const { plain: pool } = this.#pools;
    const plain = this.#takeSlab(pool);
    if (plain === null) {
      session.dropInput();
      return;
    }
    let end = readHeadroomBytes;
    for (;;) {
      const room = plain.capacity - end;
      assert(room > 0, 'the plaintext of one read fits a slab');
      const count = session.read(plain, end, room);
      end += count;
      if (count === 0 || (count < room && session.drained)) break;
    }
    this.#sendOutput();
    if (this.#answersQueued > unreadAnswersMax) session.refuseUnread(unreadAnswersMax);
    if (end > readHeadroomBytes) this.#receiver.received(plain, readHeadroomBytes, end);
    else this.#receiver.bytesCame();
    pool.release(plain);
    this.#sendHeld();
    this.#tellRest();
  }

  /** What comes behind the plaintext. */
  #tellRest(): void {
    if (this.#is(mark.closed | mark.paused)) return;
    if (this.session.failure !== null) this.#tellFailure();
    else if (this.session.peerEnded) this.#tellEnd();
  }

  ended(): void {
    if (this.#is(mark.closed)) return;
    this.session.transportEnded();
    const { failure } = this.session;
    if (failure === null || this.#is(mark.failureTold)) return this.#tellEnd();
    this.#marks |= mark.failureTold | mark.endTold;
    this.#receiver.endedEarly(failure);
  }

  #tellEnd(): void {
    if (this.#is(mark.endTold)) return;
    this.#marks |= mark.endTold;
    this.#receiver.ended();
  }

  #tellFailure(): void {
    if (this.#is(mark.failureTold | mark.closed)) return;
    this.#sendHeld();
    this.#marks |= mark.failureTold;
    this.#receiver.refused(this.session.failure as GnetError);
  }

  writable(): void {
    // Asked before the bytes go on their way again.
    const wasRefused = this.#is(mark.refused);
    if (this.#below.refuses?.(this.slot)) this.#marks |= mark.refused;
    if (this.#below.handedOver(this.slot)) this.#marks |= mark.hadAll;
    const before = this.#stillEncrypted();
    // A part that has left is progress, too: a slow reader is not one that does not read.
    const hasLeft = this.#flushOwn() || this.#stillEncrypted() !== before;
    if (hasLeft || this.#is(mark.refused) !== wasRefused) this.#tellWritable();
    this.#marks &= ~mark.hadAll;
  }

  failed(error: GnetError): void {
    this.#marks = (this.#marks | mark.failureTold) & ~mark.awaited;
    this.#receiver.failed(error);
  }

  // -- from above ---------------------------------------------------------------------------------
  send(slot: number, slab: Slab, offset: number, length: number): number {
    assert(slot === this.slot && this.#encrypted === 0, 'what waits is sent before anything else');
    let sent = 0;
    while (sent < length) {
      if (sent >= flushBytesPerTurn) return this.#goOnLater(sent);
      const count = Math.min(length - sent, plainBytesPerSend);
      const taken = this.#encrypt(slab, offset + sent, count);
      if (taken < 0) return -1;
      if (taken < count) return sent;
      sent += count;
    }
    return sent;
  }

  sendBytes(slot: number, bytes: Uint8Array): number {
    assert(slot === this.slot && this.#encrypted === 0, 'what waits is sent before anything else');
    const { cipher } = this.#pools;
    // Through a slab: one copy of what is read once, and encrypting does not depend on the heap.
    const slab = this.#takeSlab(cipher);
    if (slab === null) return -1;
    let sent = 0;
    while (sent < bytes.length) {
      if (sent >= flushBytesPerTurn) {
        this.#goOnLater(sent);
        break;
      }
      const count = Math.min(bytes.length - sent, plainBytesPerSend);
      slab.bytes.set(bytes.subarray(sent, sent + count));
      const taken = this.#encrypt(slab, 0, count);
      if (taken < count) {
        if (taken < 0) sent = -1;
        break;
      }
      sent += count;
    }
    cipher.release(slab);
    return sent;
  }

  flush(slot: number, queue: OutboundQueue): boolean {
    assert(slot === this.slot, 'a transport of one stream');
    this.#marks &= ~mark.hadAll;
    const still = this.#stillEncrypted();
    queue.consume(this.#encrypted - still);
    this.#encrypted = still;
    if (this.#queue !== null) {
      this.#marks |= mark.awaited;
      return false;
    }
    let flushed = 0;
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      if (flushed >= flushBytesPerTurn) {
        this.#goOnLater(flushed);
        return false;
      }
      const count = Math.min(slab.end - slab.start, plainBytesPerSend);
      flushed += count;
      if (this.#encrypt(slab, slab.start, count) < count) return false;
      queue.consume(count);
    }
    return true;
  }

  /** Others have their turn; then the receiver hears that it may send more. */
  #goOnLater(sent: number): number {
    this.#marks |= mark.awaited;
    setImmediate(() => {
      if (this.#queue === null) this.#tellWritable();
    });
    return sent;
  }

  #stillEncrypted(): number {
    if (this.#queue === null || this.#encrypted === 0) return 0;
    return bytesNotLeft(this.#encrypted, this.#queue.length, this.#recordOverhead);
  }

  /**
   * Encrypts so many bytes and sends them. Returns `count` when all of it has left, 0 when it stands in
   * our queue or could not be begun, negative when the stream is broken.
   */
  #encrypt(slab: Slab, offset: number, count: number): number {
    const { session } = this;
    // What it failed of is told behind the bytes that came before.
    if (session.state >= TlsState.Failed || this.#is(mark.cut)) return -1;
    if (this.#queue !== null || session.state !== TlsState.Open) {
      // A message of the handshake, or an answer to new keys, is still on its way.
      this.#marks |= mark.awaited;
      return 0;
    }
    const out = this.#takeOut();
    if (out === null) return -1;
    const start = out.end;
    const end = this.#encryptTo(out, start, slab, offset, count);
    const taken = end < 0 ? -1 : this.#sendFrom(out, end);
    this.#pools.cipher.release(out);
    if (taken < 0) return -1;
    if (taken === end) return count;
    this.#encrypted = count;
    this.#recordOverhead = (end - start - count) / Math.ceil(count / recordBytesMax);
    this.#marks |= mark.awaited;
    return 0;
  }

  /** Where the records end in `out`, which begin at `start`; negative when OpenSSL refused. */
  #encryptTo(out: Slab, start: number, slab: Slab, offset: number, count: number): number {
    const { session } = this;
    let end = start;
    for (let done = 0; done < count; done += recordBytesMax) {
      const length = Math.min(recordBytesMax, count - done);
      if (!session.write(slab, offset + done, length)) {
        // Nobody may be told from inside the call that gave the data.
        setImmediate(() => this.#tellFailure());
        return -1;
      }
      end += session.takeOutput(out, end, out.capacity - end);
    }
    this.#dataBytes += end - start;
    return end;
  }

  /** See `Transport.sendLast`. What is encrypted here leaves with our queue, in `closeStream`. */
  sendLast(slot: number, queue: OutboundQueue): void {
    assert(slot === this.slot, 'a transport of one stream');
    queue.consume(this.#encrypted);
    this.#encrypted = 0;
    const own = this.#queue;
    const takes = this.session.state === TlsState.Open && this.#takesLast(slot);
    if (own !== null && takes) this.#encryptLast(queue, own);
    queue.clear();
  }

  /** As much as a kernel could take at once. */
  #encryptLast(queue: OutboundQueue, into: OutboundQueue): void {
    const { cipher } = this.#pools;
    for (let slab = queue.head; slab !== null; slab = queue.head) {
      const out = into.length < flushBytesPerTurn ? this.#takeSlab(cipher) : null;
      if (out === null) return;
      const count = Math.min(slab.end - slab.start, plainBytesPerSend);
      const end = this.#encryptTo(out, 0, slab, slab.start, count);
      const isKept = end >= 0 && this.#keep(into, out, 0, end);
      cipher.release(out);
      if (!isKept) return;
      queue.consume(count);
    }
  }

  /** Sends the first `end` bytes of `out`; what is not taken goes to our queue. */
  #sendFrom(out: Slab, end: number): number {
    const taken = this.#queue === null ? this.#below.send(this.slot, out, 0, end) : 0;
    if (taken < 0 || taken === end) return taken;
    this.#queue ??= new OutboundQueue(this.#pools.cipher);
    return this.#keep(this.#queue, out, taken, end) ? taken : -1;
  }

  /** False without memory: then this stream alone is broken, in the middle of a record. */
  #keep(queue: OutboundQueue, out: Slab, start: number, end: number): boolean {
    try {
      queue.push(out.bytes, start, end);
      return true;
    } catch (error) {
      this.#lacksMemory(error);
      return false;
    }
  }

  /** Messages of TLS itself: the handshake, alerts, new keys. */
  #sendOutput(): void {
    const { session } = this;
    while (session.hasOutput) {
      const out = this.#is(mark.closed) ? null : this.#takeOut();
      if (out === null) {
        session.discardOutput();
        return;
      }
      const end = out.end + session.takeOutput(out, out.end, out.capacity - out.end);
      if (!this.#sendAnswer(out, end)) session.discardOutput(); // `failed` follows
    }
  }

  /** Gives the slab back; false when the stream is broken. */
  #sendAnswer(out: Slab, end: number): boolean {
    const taken = this.#sendFrom(out, end);
    this.#pools.cipher.release(out);
    if (taken >= 0 && this.#queue !== null) this.#answersQueued += end - taken;
    return taken >= 0;
  }

  #holdOutput(): void {
    const out = this.session.hasOutput ? this.#takeSlab(this.#pools.cipher) : null;
    if (out === null) return;
    this.#held = out;
    out.end = this.session.takeOutput(out, 0, heldBytesMax);
    if (this.session.hasOutput) this.#sendHeld();
  }

  #sendHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.#sendAnswer(held, held.end);
  }

  /** A slab for ciphertext, from its `end` on: behind what is held. Null without memory. */
  #takeOut(): Slab | null {
    const held = this.#held;
    this.#held = null;
    const out = held ?? this.#takeSlab(this.#pools.cipher);
    if (out !== null && held === null) out.end = 0;
    return out;
  }

  /** Null without memory: the stream is broken then. */
  #takeSlab(pool: SlabPool): Slab | null {
    try {
      return pool.take();
    } catch (error) {
      this.#lacksMemory(error);
      return null;
    }
  }

  /**
   * This stream alone is broken. The receiver hears of it later: this may be inside a call of his own.
   * @throws any other error.
   */
  #lacksMemory(error: unknown): void {
    if (!isMemoryLack(error)) throw error;
    this.#marks |= mark.cut;
    setImmediate(() => {
      if (!this.#is(mark.closed)) this.#receiver.failed(error);
    });
  }

  /** True when nothing of ours is left; then our side is ended if it was to be. */
  #flushOwn(): boolean {
    if (this.#queue !== null) {
      if (!this.#below.flush(this.slot, this.#queue)) return false;
      this.#queue = null;
      this.#answersQueued = 0;
    }
    if (this.#is(mark.shutdownDue)) {
      this.#marks &= ~mark.shutdownDue;
      this.#below.shutdownWrite(this.slot);
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

  /** Of ciphertext, without what stands here. Before any data only the handshake can be under way. */
  unsentBytes(slot: number): number {
    return Math.min(this.#below.unsentBytes(slot), this.#dataBytes);
  }

  /** What is encrypted and stands here is not taken: the kernel may have all that was taken before. */
  handedOver(slot: number): boolean {
    if (this.#encrypted > 0 && this.#is(mark.hadAll)) return true;
    const isNotTaken = this.#encrypted > 0 && this.#answersQueued === 0;
    if ((this.#queue === null || isNotTaken) && this.#below.handedOver(slot)) return true;
    this.#marks |= mark.awaited;
    return false;
  }

  resumeReading(slot: number): void {
    this.#marks &= ~mark.paused;
    this.#below.resumeReading(slot);
    const { failure, peerEnded } = this.session;
    const rests = failure !== null ? !this.#is(mark.failureTold) : peerEnded;
    // Nobody is told from inside a call of his own.
    if (rests && !this.#is(mark.endTold)) setImmediate(() => this.#tellRest());
  }

  shutdownWrite(slot: number): void {
    assert(slot === this.slot, 'a transport of one stream');
    this.session.close();
    this.#sendOutput();
    this.#sendHeld();
    if (this.#queue === null) this.#below.shutdownWrite(slot);
    else this.#marks |= mark.shutdownDue;
  }

  #takesLast(slot: number): boolean {
    return this.#below.sendLast !== undefined && this.refuses(slot) !== true;
  }

  closeStream(slot: number, abort: boolean): void {
    if (!this.#is(mark.closed)) {
      // Behind a refusal nothing leaves any more, and behind a send what waits does.
      if (!abort && !this.#is(mark.cut) && (this.#queue === null || this.#takesLast(slot))) {
        this.session.close();
        this.#sendOutput();
        this.#sendHeld();
      }
      this.#marks |= mark.closed;
      this.session.free();
      const [held, queue] = [this.#held, this.#queue];
      this.#held = this.#queue = null;
      if (held !== null) this.#pools.cipher.release(held);
      if (queue !== null && this.#takesLast(slot) && !abort) this.#below.sendLast?.(slot, queue);
      else queue?.clear();
    }
    this.#below.closeStream(slot, abort);
  }
}
