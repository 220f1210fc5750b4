import { randomFillSync } from 'node:crypto';
import type { FrameSink } from '../codec/index.ts';
import type { Bytes, Conn } from '../index.ts';
import type { Deflate } from './deflate.ts';
import {
  applyMask,
  COMPRESSED,
  controlFrame,
  FIN,
  headerLength,
  MASKED,
  Opcode,
  writeHeader,
} from './frame.ts';
import type { SendOptions } from './options.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import { PreparedMessage } from './prepared.ts';

const masks = new Int32Array(256);
let nextMask = masks.length;

/** What a client masks its frames with: not to be guessed (RFC 6455, 10.3). */
function freshMask(): number {
  if (nextMask === masks.length) {
    randomFillSync(masks);
    nextMask = 0;
  }
  return masks[nextMask++] as number;
}

/** The WebSocket that a sender sends for. */
export interface SenderOwner {
  readonly conn: Conn<unknown>;
  terminate(): void;
  /** Tells the program that what waited has gone out. @throws what that throws. */
  drained(): void;
}

/** What one WebSocket sends, as frames and in order. */
export class Sender implements OutboxOwner {
  readonly #owner: SenderOwner;
  readonly #conn: Conn<unknown>;
  readonly #isClient: boolean;
  readonly #deflate: Deflate | null;
  /** What the next message is encoded as. */
  #opcode: Opcode = Opcode.Binary;
  #compress: boolean | undefined = undefined;
  /** It is compressed already. */
  #isReady = false;
  /** Of one that has sent a long message, which is compressed. */
  #outbox: Outbox | null = null;
  /** What the connection has been given; bytes. */
  #given = 0;

  constructor(owner: SenderOwner, isClient: boolean, deflate: Deflate | null) {
    this.#owner = owner;
    this.#conn = owner.conn;
    this.#isClient = isClient;
    this.#deflate = deflate;
  }

  /** Bytes that wait to be compressed, or behind some that do. */
  get waitingBytes(): number {
    return this.#outbox === null ? 0 : this.#outbox.bytes;
  }

  /** How many bytes the kernel has taken, give or take what the program writes by itself. */
  get taken(): number {
    return this.#given - this.#conn.outboundBuffered();
  }

  get #isWaiting(): boolean {
    return this.#outbox !== null && !this.#outbox.isIdle;
  }

  send(data: Bytes | PreparedMessage, options: SendOptions | undefined): boolean {
    if (data instanceof PreparedMessage) {
      const isPlain = !this.#isClient && !this.#compresses(data.payload.length, options?.compress);
      if (isPlain && !this.#isWaiting) {
        this.#given += data.frame.length;
        return this.#conn.writeNoCodec(data.frame);
      }
      const opcode = data.isText ? Opcode.Text : Opcode.Binary;
      return this.#sendAs(data.payload, opcode, options?.compress);
    }
    const isText = typeof data === 'string' || options?.text === true;
    return this.#sendAs(data, isText ? Opcode.Text : Opcode.Binary, options?.compress);
  }

  /** As what a handler returns, at once. */
  answer(data: Bytes, isText: boolean): void {
    this.#sendAs(data, isText ? Opcode.Text : Opcode.Binary, undefined);
  }

  /** What a handler returns is sent by the loop, as what it was given. */
  answersInKind(isText: boolean): void {
    this.#opcode = isText ? Opcode.Text : Opcode.Binary;
    this.#compress = undefined;
    this.#isReady = false;
  }

  /** Whether what a handler returns has to wait: then it is for `answer`. */
  answersLater(data: Bytes): boolean {
    if (this.#deflate === null) return false;
    // Of a text, bytes are counted when it is encoded, which `answer` does.
    const length = typeof data === 'string' ? data.length * 3 : data.length;
    return this.#isWaiting || length >= this.#deflate.otherThreadBytes;
  }

  #sendAs(data: Bytes, opcode: Opcode, compress: boolean | undefined): boolean {
    const deflate = this.#deflate;
    if (deflate === null) return this.sendNow(data, opcode, compress, false);
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    const { length } = bytes;
    const isLong = length >= deflate.otherThreadBytes && this.#compresses(length, compress);
    if (!isLong && !this.#isWaiting) return this.sendNow(bytes, opcode, compress, false);
    this.#outbox ??= new Outbox(this, deflate);
    // The program may change what it has given.
    const payload = bytes === data ? new Uint8Array(bytes) : bytes;
    return this.#outbox.add({ payload, opcode, compress, isLong });
  }

  sendNow(data: Bytes, opcode: Opcode, compress: boolean | undefined, isReady: boolean): boolean {
    this.#opcode = opcode;
    this.#compress = compress;
    this.#isReady = isReady;
    return this.#conn.asyncWrite(data);
  }

  #compresses(length: number, wanted: boolean | undefined): boolean {
    const deflate = this.#deflate;
    return deflate !== null && (wanted ?? length >= deflate.threshold);
  }

  /** Of the codec: puts a frame round the payload, which stays where it stands if nothing is changed. */
  encodeInto(payload: Uint8Array, sink: FrameSink): void {
    let first = FIN | this.#opcode;
    let body = payload;
    if (this.#isReady) first |= COMPRESSED;
    else if (this.#compresses(payload.length, this.#compress)) {
      body = (this.#deflate as Deflate).compress(payload);
      first |= COMPRESSED;
    }
    const { length } = body;
    const header = headerLength(length);
    this.#given += header + length;
    if (!this.#isClient) {
      sink.wrap(header, body, null);
      writeHeader(sink.bytes, sink.offset, first, length, 0);
      return;
    }
    const mask = freshMask();
    const masked = Buffer.from(body);
    applyMask(masked, mask, 0);
    sink.wrap(header + 4, masked, null);
    writeHeader(sink.bytes, sink.offset, first, length, MASKED);
    sink.bytes.writeInt32LE(mask, sink.offset + header);
  }

  /** Sends a ping, a pong or a goodbye; it may overtake messages that wait. */
  control(opcode: Opcode, payload: Uint8Array): void {
    this.#conn.writeNoCodec(controlFrame(opcode, payload, this.#isClient ? freshMask() : null));
  }

  // -- what waits -----------------------------------------------------------------------------------

  /** Does this when everything that was sent before is on its way. */
  behindMessages(act: () => void): void {
    if (this.#outbox === null) act();
    else this.#outbox.behind(act);
  }

  /** Resolves when the program may send on; undefined if it may now. */
  room(): Promise<void> | undefined {
    return this.#outbox?.room();
  }

  /** Resolves when nothing waits to be compressed; undefined if nothing does now. */
  empty(): Promise<void> | undefined {
    return this.#outbox?.empty();
  }

  /** Sends nothing more. */
  drop(): void {
    this.#outbox?.drop();
  }

  /** What was written has gone out: whether there is room for more. */
  get hasRoom(): boolean {
    return this.#outbox === null || !this.#outbox.owesRoom;
  }

  /** As an event of the connection, which the program may end by a throw. */
  roomAgain(): void {
    this.#conn.setTimer(1, () => this.#owner.drained());
  }

  sendingFailed(): void {
    this.#owner.terminate();
  }
}
