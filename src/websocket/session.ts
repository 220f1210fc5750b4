import { isUtf8 } from 'node:buffer';
import { watch } from '../base/settled.ts';
import type { FrameSource } from '../codec/index.ts';
import type { Bytes, Conn } from '../index.ts';
import { CloseCode, closePayload, mayBeSent, readClose } from './close-codes.ts';
import { type Deflate, isTooLong } from './deflate.ts';
import {
  applyMask,
  COMPRESSED,
  CONTROL_PAYLOAD_MAX,
  FIN,
  MASKED,
  maskAt,
  Opcode,
  RESERVED,
} from './frame.ts';
import { MessageBuffer } from './message-buffer.ts';
import type {
  ResolvedWebSocketOptions,
  SendOptions,
  WebSocketConn,
  WebSocketHandler,
} from './options.ts';
import type { PingClock } from './ping-clock.ts';
import type { PreparedMessage } from './prepared.ts';
import { endRejected } from './rejected-event.ts';
import { Sender } from './sender.ts';
import { Utf8Check } from './utf8-check.ts';

/**
 *   Open -----------> Closing --------------> Closed
 *     we say goodbye    the other side answers
 *
 * and from Open to Closed when the other side begins, or breaks the rules.
 */
const State = {
  Open: 0,
  /** Our goodbye is out; the other one is waited for. */
  Closing: 1,
  /** Both are out, or there will be none. */
  Closed: 2,
} as const;
type State = (typeof State)[keyof typeof State];

/** What the beginning of a frame has brought. */
const Found = {
  /** Not enough bytes for it. */
  More: 0,
  /** Nothing that is delivered. */
  Control: 1,
  /** A whole message. */
  Message: 2,
  /** A part of a message, which is taken as it comes. */
  Part: 3,
} as const;
type Found = (typeof Found)[keyof typeof Found];

/** Frames up to here are waited for where they stand, and lent from there; bytes. */
const WHOLE_MAX = 64 * 1024;
const EMPTY: Buffer = Buffer.alloc(0);

/** One WebSocket, on either side. */
export class WebSocketSession<Data = unknown> implements WebSocketConn<Data> {
  data: Data;
  readonly protocol: string;
  readonly conn: Conn<unknown>;
  readonly handler: WebSocketHandler<Data>;
  readonly sender: Sender;
  /** The kind of the message that was decoded last. */
  isText = false;
  /** It is to be given to `decompressed` first. */
  isCompressed = false;
  /** Something has come since the clock looked last. */
  heard = true;
  /** A ping has been sent, and nothing has come since. */
  pinged = false;
  /** Promises of the program that nothing is read behind. */
  held = 0;
  /** What the kernel had taken when the clock looked last; bytes. */
  #taken = 0;
  readonly #isClient: boolean;
  readonly #options: ResolvedWebSocketOptions;
  readonly #deflate: Deflate | null;
  readonly #clock: PingClock | null;
  #state: State = State.Open;
  #closeCode: number = CloseCode.Abnormal;
  #closeReason = '';
  /** Calls the close off that follows when the other side says no goodbye. */
  #stayOpen: () => void = () => {};

  // Of a message that does not come in one frame in one piece.
  /** Of its first frame; Continuation between messages. */
  #opcode: Opcode = Opcode.Continuation;
  #isCompressed = false;
  #message: MessageBuffer | null = null;
  #text: Utf8Check | null = null;
  /** A message that came in one frame, and stands where it was received. */
  #whole: Buffer | null = null;
  /**
   * What the program has thrown while `decode` ran: thrown from there it would be a fault of the stream.
   * An empty message follows, in whose event it is thrown again.
   */
  #fault: { readonly error: unknown } | null = null;
  #isInFrame = false;
  /** Of the frame that is arriving: bytes that are still to come. */
  #remaining = 0;
  #isLast = false;
  #mask = 0;
  #phase = 0;

  constructor(parts: {
    readonly conn: Conn<unknown>;
    readonly handler: WebSocketHandler<Data>;
    readonly options: ResolvedWebSocketOptions;
    readonly isClient: boolean;
    readonly protocol: string;
    readonly deflate: Deflate | null;
    readonly clock: PingClock | null;
    readonly data: Data;
  }) {
    this.conn = parts.conn;
    this.handler = parts.handler;
    this.#options = parts.options;
    this.#isClient = parts.isClient;
    this.protocol = parts.protocol;
    this.#deflate = parts.deflate;
    this.data = parts.data;
    this.sender = new Sender(this, parts.isClient, parts.deflate);
    this.#clock = parts.clock;
    this.#clock?.add(this);
  }

  // -- messages in ----------------------------------------------------------------------------------

  /** The next message, or null when more bytes are needed. */
  decode(c: FrameSource): Buffer | null {
    for (;;) {
      if (this.#state === State.Closed) {
        c.resetBuffer();
        return null;
      }
      if (!this.#isInFrame) {
        const found = this.#beginFrame(c);
        if (found === Found.More) return null;
        if (found === Found.Message) return this.#takeWhole();
        if (found === Found.Control) continue;
      }
      if (this.#remaining > 0 && !this.#takePiece(c)) continue;
      if (this.#remaining > 0) return null;
      this.#isInFrame = false;
      const message = this.#frameEnded();
      if (message !== null) return message;
    }
  }

  #takeWhole(): Buffer | null {
    const message = this.#whole;
    this.#whole = null;
    return message;
  }

  /** Reads a header, and a control frame or a short message with it. */
  #beginFrame(c: FrameSource): Found {
    const available = c.bufferLength();
    if (available < 2) return Found.More;
    const first = c.byteAt(0);
    const second = c.byteAt(1);
    const opcode = first & 15;
    let length = second & 127;
    // Said by the seven bits themselves: a short length in the long form is none of a control frame.
    if (opcode >= Opcode.Close && length > CONTROL_PAYLOAD_MAX) {
      return this.#fail(c, CloseCode.ProtocolError);
    }
    let header = this.#isClient ? 2 : 6;
    if (((second & MASKED) !== 0) === this.#isClient) return this.#fail(c, CloseCode.ProtocolError);
    if (length === 126) {
      header += 2;
      if (available < header) return Found.More;
      length = (c.byteAt(2) << 8) | c.byteAt(3);
    } else if (length === 127) {
      header += 8;
      if (available < header) return Found.More;
      length = 0;
      for (let at = 2; at < 10; at++) length = length * 256 + c.byteAt(at);
    }
    const refusal = this.#refusalOf(first, opcode, length);
    if (refusal !== 0) return this.#fail(c, refusal);
    const isControl = opcode >= Opcode.Close;
    const waits = isControl || length <= WHOLE_MAX;
    if (available < (waits ? header + length : header)) return Found.More;
    this.heard = true;
    if (!this.#isClient) this.#mask = maskAt(c, header - 4);
    c.shiftN(header);
    if (isControl) return this.#takeControl(c, opcode as Opcode, length);
    return this.#beginData(c, first, opcode as Opcode, length);
  }

  /** The code that a header is refused with; 0 when it is fine. */
  #refusalOf(first: number, opcode: number, length: number): number {
    const reserved = first & RESERVED;
    if (opcode >= Opcode.Close) {
      const isFine = (first & FIN) !== 0 && reserved === 0 && opcode <= 10;
      return isFine ? 0 : CloseCode.ProtocolError;
    }
    if (opcode > Opcode.Binary) return CloseCode.ProtocolError;
    const goesOn = this.#opcode !== Opcode.Continuation;
    if ((opcode === Opcode.Continuation) !== goesOn) return CloseCode.ProtocolError;
    const mayBeCompressed = this.#deflate !== null && opcode !== Opcode.Continuation;
    if (reserved !== 0 && !(reserved === COMPRESSED && mayBeCompressed)) {
      return CloseCode.ProtocolError;
    }
    const soFar = this.#message === null ? 0 : this.#message.length;
    return soFar + length > this.#options.maxMessageBytes ? CloseCode.TooBig : 0;
  }

  #beginData(c: FrameSource, first: number, opcode: Opcode, length: number): Found {
    const isLast = (first & FIN) !== 0;
    const isCompressed = (first & COMPRESSED) !== 0;
    if (isLast && opcode !== Opcode.Continuation && !isCompressed && length <= WHOLE_MAX) {
      const payload = this.#takePayload(c, length);
      const isText = opcode === Opcode.Text;
      if (isText && !isUtf8(payload)) return this.#fail(c, CloseCode.InvalidText);
      // After our own close frame, further messages are ignored.
      if (this.#state !== State.Open) return Found.Control;
      this.isText = isText;
      this.#whole = payload;
      return Found.Message;
    }
    if (opcode !== Opcode.Continuation) {
      this.#opcode = opcode;
      this.#isCompressed = isCompressed;
      this.#message = new MessageBuffer();
      this.#text = opcode === Opcode.Text && !isCompressed ? new Utf8Check() : null;
    }
    this.#isLast = isLast;
    this.#remaining = length;
    this.#phase = 0;
    this.#isInFrame = true;
    return Found.Part;
  }

  /** So many bytes, which are there, without their mask; lent from where they stand. */
  #takePayload(c: FrameSource, length: number): Buffer {
    if (length === 0) return EMPTY;
    const payload = c.readN(length);
    if (!this.#isClient) applyMask(payload, this.#mask, 0);
    c.shiftN(length);
    return payload;
  }

  /** A part of a frame, as far as it has come. False when it broke the rules. */
  #takePiece(c: FrameSource): boolean {
    const count = Math.min(this.#remaining, c.bufferLength());
    if (count === 0) return true;
    const piece = c.readN(count);
    if (!this.#isClient) {
      applyMask(piece, this.#mask, this.#phase);
      this.#phase = (this.#phase + count) & 3;
    }
    this.#remaining -= count;
    this.heard = true;
    if (this.#text?.push(piece) === false) {
      this.#fail(c, CloseCode.InvalidText);
      return false;
    }
    (this.#message as MessageBuffer).append(piece);
    c.shiftN(count);
    return true;
  }

  /** The message, when that was its last frame. */
  #frameEnded(): Buffer | null {
    if (!this.#isLast) return null;
    this.isText = this.#opcode === Opcode.Text;
    this.#opcode = Opcode.Continuation;
    const message = (this.#message as MessageBuffer).take();
    const text = this.#text;
    this.#message = null;
    this.#text = null;
    if (this.#isCompressed) return this.#decompress(message);
    if (text?.end() === false) return this.#refuse(CloseCode.InvalidText);
    return this.#state === State.Open ? message : null;
  }

  /** A message that is long, or may be, is left to `decompressed`. */
  #decompress(compressed: Buffer): Buffer | null {
    const deflate = this.#deflate as Deflate;
    this.#isCompressed = false;
    // After our own close frame, further messages are ignored.
    if (this.#state !== State.Open) return null;
    const { maxMessageBytes } = this.#options;
    const lengthMax = Math.min(deflate.otherThreadBytes, maxMessageBytes);
    try {
      if (compressed.length <= lengthMax) {
        return this.#checked(deflate.decompress(compressed, lengthMax));
      }
    } catch (error) {
      if (!isTooLong(error) || lengthMax === maxMessageBytes) return this.#undone(error);
    }
    this.isCompressed = true;
    return compressed;
  }

  /** What `decode` has returned with `isCompressed`, by another thread; null when it is refused. */
  async decompressed(compressed: Buffer): Promise<Buffer | null> {
    this.isCompressed = false;
    const { maxMessageBytes } = this.#options;
    try {
      return this.#checked(
        await (this.#deflate as Deflate).decompressLater(compressed, maxMessageBytes),
      );
    } catch (error) {
      return this.#undone(error);
    }
  }

  #checked(message: Buffer): Buffer | null {
    if (this.#state !== State.Open) return null;
    if (this.isText && !isUtf8(message)) return this.#refuse(CloseCode.InvalidText);
    return message;
  }

  #undone(error: unknown): null {
    if (this.#state !== State.Open) return null;
    return this.#refuse(isTooLong(error) ? CloseCode.TooBig : CloseCode.InvalidText);
  }

  #takeControl(c: FrameSource, opcode: Opcode, length: number): Found {
    const payload = this.#takePayload(c, length);
    if (opcode === Opcode.Ping) {
      if (this.#state === State.Open) this.sender.control(Opcode.Pong, payload);
    } else if (opcode === Opcode.Pong) this.#ponged(payload);
    else this.#closeReceived(payload);
    if (this.#fault === null) return Found.Control;
    this.#whole = EMPTY;
    return Found.Message;
  }

  #ponged(payload: Buffer): void {
    try {
      watch(this.handler.pong?.(this, payload), (thrown) => this.rejected(thrown));
    } catch (error) {
      this.close(CloseCode.InternalError);
      this.#fault = { error };
    }
  }

  /** @throws what the program has thrown while `decode` ran. */
  rethrow(): void {
    const fault = this.#fault;
    if (fault === null) return;
    this.#fault = null;
    throw fault.error;
  }

  // -- goodbyes -------------------------------------------------------------------------------------

  #closeReceived(payload: Buffer): void {
    const { code, reason, refusal } = readClose(payload);
    if (refusal !== 0) {
      this.#refuse(refusal);
      return;
    }
    this.#closeCode = code;
    this.#closeReason = reason;
    const isAnswer = this.#state === State.Open;
    this.#state = State.Closed;
    this.#stayOpen();
    this.sender.behindMessages(() => {
      const answer = code === CloseCode.None ? EMPTY : closePayload(code, '');
      if (isAnswer) this.sender.control(Opcode.Close, answer);
      // Both goodbyes are out. A server ends the connection itself: clients wait for that.
      if (this.#isClient) this.#closeLater();
      else this.conn.close();
    });
  }

  #fail(c: FrameSource, code: number): Found {
    this.#refuse(code);
    c.resetBuffer();
    return Found.More;
  }

  /** The peer broke the protocol: sends a close frame with the code and closes. */
  #refuse(code: number): null {
    const isFirst = this.#state === State.Open;
    this.#closeCode = code;
    this.#state = State.Closed;
    this.#stayOpen();
    this.sender.behindMessages(() => {
      if (isFirst) this.sender.control(Opcode.Close, closePayload(code, ''));
      this.conn.close();
    });
    return null;
  }

  close(code: number = CloseCode.Normal, reason = ''): void {
    if (!mayBeSent(code)) {
      throw new RangeError(`Cannot close with code ${code}: give 1000 to 1014 or 3000 to 4999`);
    }
    const payload = closePayload(code, reason);
    if (payload.length > CONTROL_PAYLOAD_MAX) {
      throw new RangeError('Cannot close with that reason: it is longer than 123 bytes');
    }
    if (this.#state !== State.Open) return;
    this.#state = State.Closing;
    this.sender.behindMessages(() => {
      this.sender.control(Opcode.Close, payload);
      this.#closeLater();
    });
  }

  /** On the clock of the loop: a goodbye that came while the thread was blocked is heard first. */
  #closeLater(): void {
    const ms = Math.max(1, Math.ceil(this.#options.closeTimeout));
    this.#stayOpen = this.conn.setTimer(ms, () => {
      // Nothing is read meanwhile: the answer may be there, and the time of the peer begins behind it.
      if (this.held > 0) this.#closeLater();
      else this.conn.close();
    });
  }

  terminate(): void {
    this.#state = State.Closed;
    this.sender.drop();
    this.conn.reset();
  }

  /** The connection is gone. */
  ended(): { readonly code: number; readonly reason: string } {
    this.#state = State.Closed;
    this.#stayOpen();
    this.sender.drop();
    this.#clock?.remove(this);
    return { code: this.#closeCode, reason: this.#closeReason };
  }

  // -- messages out ---------------------------------------------------------------------------------

  get isOpen(): boolean {
    return this.#state === State.Open;
  }

  get remoteAddr(): string {
    return this.conn.remoteAddr;
  }

  get bufferedAmount(): number {
    return this.conn.outboundBuffered() + this.sender.waitingBytes;
  }

  async flushed(): Promise<void> {
    await this.sender.empty();
    // A connection that is gone has nothing left.
    await this.conn.flushWrite(EMPTY, true).catch(() => {});
  }

  send(data: Bytes | PreparedMessage, options?: SendOptions): boolean {
    return this.#state === State.Open && this.sender.send(data, options);
  }

  /** As what a handler returns, at once. */
  answer(data: Bytes, isText: boolean): void {
    if (this.#state === State.Open) this.sender.answer(data, isText);
  }

  /** @throws what the program throws. */
  drained(): void {
    if (this.#state !== State.Open) return;
    try {
      watch(this.handler.drain?.(this), (thrown) => this.rejected(thrown));
    } catch (error) {
      this.close(CloseCode.InternalError);
      throw error;
    }
  }

  /** The promise of an event has rejected, which counts as a throw, also when the connection is gone. */
  rejected(thrown: unknown): void {
    this.close(CloseCode.InternalError);
    endRejected(this.conn, this.sender.empty(), thrown);
  }

  isBusy(): boolean {
    const before = this.#taken;
    this.#taken = this.sender.taken;
    // A peer that takes what is pending is there, and a ping comes to it behind all that.
    const isTaking = this.#taken > before && this.conn.outboundBuffered() > 0;
    return isTaking || this.held > 0;
  }

  ping(data: Bytes = EMPTY): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    if (payload.length > CONTROL_PAYLOAD_MAX) {
      throw new RangeError(`Cannot send a ping of ${payload.length} bytes: give 125 at most`);
    }
    if (this.#state === State.Open) this.sender.control(Opcode.Ping, payload);
  }
}
