import type { Conn } from '../index.ts';
import { AnswerState, type Exchange } from './exchange.ts';

export type StreamBody =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** The longest chunk that is sent; what the program gives in longer pieces makes several. Bytes. */
const CHUNK_MAX = 128 * 1024;
/**
 * From here on a chunk goes to the kernel from where the program has it, in a call of its own; what the
 * kernel does not take is copied, and the next piece is asked for when that has left. Shorter ones
 * gather, up to `GATHERED_MAX`, and leave at the end of the turn.
 */
const DIRECT_MIN = 16 * 1024;
const GATHERED_MAX = 64 * 1024;
/** So much of one body leaves in a row, then the other connections have their turn; bytes. */
const TURN_MAX = 2 * 1024 * 1024;
const LINE_END: Buffer = Buffer.from('\r\n');

/** Where the size line of a chunk is written, and short ones are put together: one serves all. */
const chunk = Buffer.allocUnsafeSlow(16 + DIRECT_MIN);
/** Views of its beginning, by length. */
const sizeLines: readonly Buffer[] = Array.from({ length: 16 }, (_, length) =>
  chunk.subarray(0, length),
);

export interface Framing {
  readonly isChunked: boolean;
  /** Bytes that were promised; -1 without a promise. */
  readonly left: number;
}

/** The pieces of a stream, one after the other, without the detours of its own iterator. */
class Pieces {
  readonly #next: () => Promise<{ done?: boolean | undefined; value?: unknown }> | object;
  readonly #stop: (reason: unknown) => Promise<unknown> | undefined;
  #isStopped = false;

  constructor(stream: StreamBody) {
    if (stream instanceof ReadableStream) {
      const reader = stream.getReader();
      this.#next = () => reader.read();
      this.#stop = (reason) => reader.cancel(reason);
      return;
    }
    const iterator =
      Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
    this.#next = () => iterator.next();
    this.#stop = () => Promise.resolve(iterator.return?.());
  }

  next(): Promise<{ done?: boolean | undefined; value?: unknown }> | object {
    return this.#next();
  }

  /** Also while a piece is waited for. */
  async stop(reason: unknown): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    try {
      await this.#stop(reason);
    } catch {
      // The stream may fail while it is cancelled; nothing handles that error.
    }
  }
}

/** Sends a body piece by piece, as fast as the client takes it. Its head was written. Never rejects. */
export async function sendStream(
  exchange: Exchange,
  stream: StreamBody,
  framing: Framing,
): Promise<void> {
  const { connection } = exchange;
  const { isChunked } = framing;
  const isFramed = isChunked || framing.left >= 0;
  let { left } = framing;
  let leftOfTurn = TURN_MAX;
  let pieces: Pieces | undefined;
  try {
    const own = new Pieces(stream);
    pieces = own;
    exchange.onBrokenOff = () => void own.stop(gone());
    for (;;) {
      const { done, value } = (await own.next()) as { done?: boolean; value?: unknown };
      if (isOver(exchange)) break;
      if (done === true) {
        if (left > 0) throw new TypeError(`The body is ${left} bytes shorter than it promised`);
        if (isChunked) connection.conn.writeNoCodec(lastChunk(exchange));
        connection.finish(exchange);
        return;
      }
      const bytes = checkPiece(value);
      if (bytes.length === 0) continue;
      if (left >= 0 && bytes.length > left) {
        throw new TypeError('The body is longer than it promised');
      }
      if (left > 0) left -= bytes.length;
      for (let from = 0; from < bytes.length && !isOver(exchange); from += CHUNK_MAX) {
        const isWhole = from === 0 && bytes.length <= CHUNK_MAX;
        const part = isWhole ? bytes : bytes.subarray(from, from + CHUNK_MAX);
        leftOfTurn -= part.length;
        if (!write(connection.conn, part, isChunked)) await connection.drained();
        else if (leftOfTurn <= 0) await nextTurn();
        else continue;
        leftOfTurn = TURN_MAX;
      }
      if (isOver(exchange)) break;
      connection.spoke();
    }
    await own.stop(gone());
  } catch (error) {
    if (!isOver(exchange)) {
      exchange.onBrokenOff = null;
      connection.server.report('the body of an answer broke off', error);
      connection.breakOff(exchange, isFramed);
    }
    await pieces?.stop(error);
  }
}

function gone(): DOMException {
  return new DOMException('The client has gone', 'AbortError');
}

function isOver(exchange: Exchange): boolean {
  return exchange.state === AnswerState.Over;
}

function checkPiece(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`A body must be made of Uint8Array, not of ${typeof value}`);
}

function lastChunk(exchange: Exchange): Buffer {
  const { light, trailerText } = exchange;
  const wantsTrailers =
    trailerText !== '' && /(^|[\s,])trailers\b/i.test(light.headers.get('te') ?? '');
  return Buffer.from(`0\r\n${wantsTrailers ? trailerText : ''}\r\n`, 'latin1');
}

/** False when the kernel has not taken it all, or much waits for the end of the turn. */
function write(conn: Conn, bytes: Uint8Array, isChunked: boolean): boolean {
  const { length } = bytes;
  if (length < DIRECT_MIN) {
    const goesOn = conn.writeNoCodec(isChunked ? shortChunk(bytes) : bytes);
    return goesOn && conn.outboundBuffered() < GATHERED_MAX;
  }
  return (
    conn.writev(isChunked ? [sizeLine(length), bytes, LINE_END] : [bytes]) &&
    conn.outboundBuffered() === 0
  );
}

function sizeLine(length: number): Buffer {
  return sizeLines[chunk.write(`${length.toString(16)}\r\n`, 0, 'latin1')] as Buffer;
}

function shortChunk(bytes: Uint8Array): Buffer {
  const start = sizeLine(bytes.length).length;
  const end = start + bytes.length;
  chunk.set(bytes, start);
  chunk.set(LINE_END, end);
  return chunk.subarray(0, end + LINE_END.length);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
