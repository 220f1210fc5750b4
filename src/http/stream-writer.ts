import { AnswerState, type Exchange } from './exchange.ts';

export type StreamBody =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** The longest chunk that is sent; what the program gives in longer pieces makes several. Bytes. */
const CHUNK_MAX = 64 * 1024;
const SIZE_MAX = `${CHUNK_MAX.toString(16)}\r\n`.length;
const CR = 0x0d;
const LF = 0x0a;

/**
 * Where a chunk is put together. A connection takes bytes at the call, so that one serves all; and one
 * piece goes to the kernel from where it stands, where three would be gathered somewhere else first.
 */
const chunk = Buffer.allocUnsafeSlow(SIZE_MAX + CHUNK_MAX + 2);

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

/** Sends a body piece by piece, as fast as the client takes it. Its head is out. Never rejects. */
export async function sendStream(
  exchange: Exchange,
  stream: StreamBody,
  framing: Framing,
): Promise<void> {
  const { connection } = exchange;
  const { isChunked } = framing;
  const isFramed = isChunked || framing.left >= 0;
  let { left } = framing;
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
      const hasRoom = isChunked ? writeChunk(exchange, bytes) : connection.conn.writeNoCodec(bytes);
      if (isOver(exchange)) break;
      connection.spoke();
      if (!hasRoom) await connection.drained();
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

function writeChunk(exchange: Exchange, bytes: Uint8Array): boolean {
  let hasRoom = true;
  for (let from = 0; from < bytes.length; from += CHUNK_MAX) {
    const whole = from === 0 && bytes.length <= CHUNK_MAX;
    hasRoom = writeOne(exchange, whole ? bytes : bytes.subarray(from, from + CHUNK_MAX));
  }
  return hasRoom;
}

function writeOne(exchange: Exchange, bytes: Uint8Array): boolean {
  const start = chunk.write(`${bytes.length.toString(16)}\r\n`, 0, 'latin1');
  chunk.set(bytes, start);
  const end = start + bytes.length;
  chunk[end] = CR;
  chunk[end + 1] = LF;
  return exchange.connection.conn.writeNoCodec(chunk.subarray(0, end + 2));
}
