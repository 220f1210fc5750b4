import type { Readable } from 'node:stream';
import { BodyWriter, CHUNK_MAX, Frame } from './body-writer.ts';
import { AnswerState, type Exchange } from './exchange.ts';

export type StreamBody =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** So much of one body leaves in a row, then the other connections have their turn; bytes. */
const TURN_MAX = 2 * 1024 * 1024;

export interface Framing {
  readonly frame: Frame;
  /** Bytes that were promised; -1 without a promise. */
  readonly left: number;
}

/** The pieces of a stream, one after the other, without the detours of its own iterator. */
class Pieces {
  readonly #next: () => Promise<{ done?: boolean | undefined; value?: unknown }> | object;
  readonly #stop: (reason: unknown) => Promise<unknown> | undefined;
  /**
   * A stream of the web gives its chunks away. A generator may fill the memory of the last piece again
   * when it is asked for the next one.
   */
  readonly areOurs: boolean;
  #isStopped = false;

  constructor(stream: StreamBody) {
    this.areOurs = stream instanceof ReadableStream;
    if (stream instanceof ReadableStream) {
      const reader = stream.getReader();
      this.#next = () => reader.read();
      this.#stop = (reason) => reader.cancel(reason);
      return;
    }
    const iterator =
      Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
    this.#next = () => iterator.next();
    // The iterator of a stream of Node returns only behind the piece that is waited for.
    this.#stop = () => stopNodeStream(stream) ?? Promise.resolve(iterator.return?.());
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

/** Sends a head, and a body piece by piece, as fast as the client takes it. Never rejects. */
export async function sendStream(
  exchange: Exchange,
  head: string,
  stream: StreamBody,
  { frame, left }: Framing,
): Promise<void> {
  const { connection } = exchange;
  const writer = new BodyWriter(connection.conn, head, frame);
  let pieces: Pieces | undefined;
  try {
    const own = new Pieces(stream);
    pieces = own;
    exchange.onBrokenOff = () => {
      writer.flush();
      void own.stop(gone());
    };
    if (await pump(exchange, own, writer, left)) {
      writer.end(trailersOf(exchange));
      connection.finish(exchange);
    } else await own.stop(gone());
  } catch (error) {
    if (!isOver(exchange)) {
      exchange.onBrokenOff = null;
      if (writer.isUnsent) {
        // The client has seen nothing of this answer: it can have another one.
        writer.drop();
        exchange.state = AnswerState.Awaited;
        connection.server.failed(exchange, error);
      } else {
        connection.server.report('the body of an answer broke off', error);
        writer.flush();
        connection.breakOff(exchange, frame !== Frame.End);
      }
    }
    await pieces?.stop(error);
  }
}

/** False when the exchange is over before the body. @throws what is wrong with the body. */
async function pump(
  exchange: Exchange,
  pieces: Pieces,
  writer: BodyWriter,
  promised: number,
): Promise<boolean> {
  const { connection } = exchange;
  let left = promised;
  let leftOfTurn = TURN_MAX;
  for (;;) {
    const { done, value } = (await pieces.next()) as { done?: boolean; value?: unknown };
    if (isOver(exchange)) return false;
    if (done === true) {
      if (left > 0) throw new TypeError(`The body is ${left} bytes shorter than it promised`);
      return true;
    }
    const bytes = checkPiece(value);
    if (left >= 0 && bytes.length > left) {
      throw new TypeError('The body is longer than it promised');
    }
    if (left > 0) left -= bytes.length;
    for (let from = 0; from < bytes.length; from += CHUNK_MAX) {
      const isWhole = from === 0 && bytes.length <= CHUNK_MAX;
      const part = isWhole ? bytes : bytes.subarray(from, from + CHUNK_MAX);
      leftOfTurn -= part.length;
      connection.spoke();
      if (!writer.write(part, pieces.areOurs)) await connection.drained();
      // Also behind a wait, which need not be one for the kernel.
      if (leftOfTurn <= 0) {
        await nextTurn();
        leftOfTurn = TURN_MAX;
      }
      if (isOver(exchange)) return false;
    }
  }
}

function gone(): DOMException {
  return new DOMException('The client has gone', 'AbortError');
}

function isOver(exchange: Exchange): boolean {
  return exchange.state === AnswerState.Over;
}

/** Bytes; also text, which the streams of many programs are made of. */
function checkPiece(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  throw new TypeError(`A body must be made of bytes or text, not of ${typeof value}`);
}

/** Destroys a Readable of Node. Undefined for everything else. */
function stopNodeStream(stream: StreamBody): Promise<void> | undefined {
  const { destroy, pipe } = stream as { destroy?: unknown; pipe?: unknown };
  if (typeof destroy !== 'function' || typeof pipe !== 'function') return undefined;
  // Nobody reads it any more: an error that it still meets, such as that of its open, would end the process.
  (stream as Readable).on('error', ignore);
  destroy.call(stream);
  return Promise.resolve();
}

function ignore(): void {}

/** Cancels a stream that will not be read, so that its source notices. */
export async function cancel(stream: StreamBody | null | undefined): Promise<void> {
  if (stream === null || stream === undefined) return;
  try {
    if (stream instanceof ReadableStream) await stream.cancel();
    else if (Symbol.asyncIterator in stream) {
      await (stopNodeStream(stream) ?? stream[Symbol.asyncIterator]().return?.());
    }
  } catch {
    // The stream has ended, or another reader has it.
  }
}

function trailersOf({ light, trailerText }: Exchange): string {
  const wantsTrailers =
    trailerText !== '' && /(^|[\s,])trailers\b/i.test(light.headers.get('te') ?? '');
  return wantsTrailers ? trailerText : '';
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
