import type { Conn } from '../index.ts';

/** The longest chunk that is sent; what the program gives in longer pieces makes several. Bytes. */
export const CHUNK_MAX: number = 256 * 1024;
/**
 * From here on a piece goes to the kernel from where the program has it, in one call with the pieces
 * around it. Shorter ones are copied, and leave at the end of the turn.
 */
const DIRECT_MIN = 16 * 1024;
/** So much is held for one call: bytes, and pieces of memory, of which the end adds one. */
const HELD_MAX = 256 * 1024;
const HELD_PIECES_MAX = 13;
/** So much of short pieces waits for the end of the turn; bytes. */
const COPIED_MAX = 64 * 1024;
const LINE_END: Buffer = Buffer.from('\r\n');

/** Where a short chunk is put together: one serves all, since a connection takes bytes at the call. */
const chunk = Buffer.allocUnsafeSlow(16 + DIRECT_MIN);

/** How a body is told from what follows it. */
export const Frame = {
  /** By a length, which the head gives. */
  Length: 0,
  /** In chunks, or by a length when it is complete before anything has left. */
  Chunks: 1,
  /** By the end of the connection. */
  End: 2,
} as const;
export type Frame = (typeof Frame)[keyof typeof Frame];

/** Frames one body and sends it, with the head in front of it. */
export class BodyWriter {
  readonly #conn: Conn;
  readonly #isChunked: boolean;
  /** Without its last line; empty when it has left. */
  #head: string;
  /** Short pieces that wait for the end of the turn with the head: the body may be complete by then. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  /** What has not been given to the connection; it stands where it was given. */
  #held: Uint8Array[];
  #heldBytes = 0;
  /** All that is held, with the lines. */
  #heldLength = 0;
  /** The chunk that is held last lacks its line end. */
  #isOpen = false;
  /** The sizes of chunks that are alike have one line. */
  #size = 0;
  #sizeLine: Buffer = LINE_END;
  #willFlush = false;
  /** The kernel had no room at the end of a turn: no more is held than what comes next. */
  #wasRefused = false;

  /** @param head without the line about chunks, and without the empty one. */
  constructor(conn: Conn, head: string, frame: Frame) {
    this.#conn = conn;
    this.#isChunked = frame === Frame.Chunks;
    this.#head = head;
    this.#held = [];
    this.#flushSoon();
  }

  /** Nothing has left, neither of the body nor of the head. */
  get isUnsent(): boolean {
    return this.#head !== '';
  }

  /** Another answer takes the place of this one. */
  drop(): void {
    this.#head = '';
    this.#early = [];
  }

  /** The head leaves, and with it what frames the body. */
  #open(): void {
    const line = this.#isChunked ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
    this.#add(Buffer.from(this.#head + line, 'latin1'));
    const early = this.#early;
    this.drop();
    for (const piece of early) this.#writeShort(piece);
  }

  /** As a copy: what is announced must come, whatever the program does with its piece. */
  #keep(bytes: Uint8Array): void {
    this.#early.push(Buffer.from(bytes));
    this.#earlyBytes += bytes.length;
  }

  /** Sends all of it. */
  #sendWhole(): void {
    const head = `${this.#head}Content-Length: ${this.#earlyBytes}\r\n\r\n`;
    this.#conn.writeNoCodec(Buffer.concat([Buffer.from(head, 'latin1'), ...this.#early]));
    this.drop();
  }

  /**
   * @param bytes at most `CHUNK_MAX`. @param isOurs nobody changes them any more: they may be held until
   * the end of the turn. @returns false when what was written should leave first.
   */
  write(bytes: Uint8Array, isOurs: boolean): boolean {
    if (this.isUnsent) {
      if (this.#earlyBytes + bytes.length < DIRECT_MIN) {
        this.#keep(bytes);
        return true;
      }
      this.#open();
    }
    if (bytes.length < DIRECT_MIN) return this.#writeShort(bytes);
    this.#hold(bytes);
    const isFull = this.#heldBytes >= HELD_MAX || this.#held.length >= HELD_PIECES_MAX;
    if (!isOurs || isFull || this.#wasRefused) return this.flush();
    this.#flushSoon();
    return true;
  }

  #hold(bytes: Uint8Array): void {
    if (this.#isChunked) {
      this.#add(this.#lineOf(bytes.length));
      this.#isOpen = true;
    }
    this.#add(bytes);
    this.#heldBytes += bytes.length;
  }

  #add(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldLength += bytes.length;
  }

  /** The size line, behind the end of the chunk before it. */
  #lineOf(size: number): Buffer {
    if (!this.#isOpen) return Buffer.from(`${size.toString(16)}\r\n`, 'latin1');
    if (size !== this.#size) {
      this.#size = size;
      this.#sizeLine = Buffer.from(`\r\n${size.toString(16)}\r\n`, 'latin1');
    }
    return this.#sizeLine;
  }

  #writeShort(bytes: Uint8Array): boolean {
    const hasRoom = this.flush();
    const conn = this.#conn;
    const goesOn = conn.writeNoCodec(this.#isChunked ? shortChunk(bytes) : bytes);
    return hasRoom && goesOn && conn.outboundBuffered() < COPIED_MAX;
  }

  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    setImmediate(this.#flushNow);
  }

  readonly #flushNow = (): void => {
    this.#willFlush = false;
    this.#wasRefused = !this.flush();
  };

  /** Gives the connection what is held. @returns false when the kernel has not taken it. */
  flush(): boolean {
    if (this.isUnsent) this.#open();
    const held = this.#held;
    if (held.length === 0) return true;
    if (this.#isOpen) this.#add(LINE_END);
    const length = this.#heldLength;
    this.#heldLength = 0;
    this.#isOpen = false;
    this.#wasRefused = false;
    this.#held = [];
    const isLong = this.#heldBytes > 0;
    this.#heldBytes = 0;
    const conn = this.#conn;
    if (isLong && lengthOf(held) !== length) {
      // The program gave a piece away that was held: what is announced does not come.
      conn.reset();
      return false;
    }
    if (isLong) return conn.writev(held) && conn.outboundBuffered() === 0;
    let goesOn = true;
    for (const piece of held) goesOn = conn.writeNoCodec(piece);
    return goesOn;
  }

  /** The body is over. @param trailers lines with their ends. */
  end(trailers: string): void {
    if (this.isUnsent) {
      if (this.#isChunked && trailers === '') {
        this.#sendWhole();
        return;
      }
      this.#open();
    }
    if (this.#isChunked) {
      const last = `${this.#isOpen ? '\r\n' : ''}0\r\n${trailers}\r\n`;
      this.#isOpen = false;
      this.#add(Buffer.from(last, 'latin1'));
    }
    this.flush();
  }
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

function shortChunk(bytes: Uint8Array): Buffer {
  const start = chunk.write(`${bytes.length.toString(16)}\r\n`, 0, 'latin1');
  const end = start + bytes.length;
  chunk.set(bytes, start);
  chunk.set(LINE_END, end);
  return chunk.subarray(0, end + LINE_END.length);
}
