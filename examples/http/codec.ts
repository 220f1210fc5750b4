import type { FrameSource, ICodec } from 'gnet/codec';
import { type HttpLimits, limitsFrom } from 'gnet/http';
import { HttpRequest, Progress, RequestKind } from './request.ts';

/** Requests that one read may put into one batch; what is left over makes the next batch. */
const BATCH_REQUESTS_MAX = 64;
const BODY_LENGTH_MAX = 1024 * 1024;

/**
 * The requests of one frame, in order. Only the last can be malformed, want a continue or end the
 * connection: nothing is parsed after such a one.
 */
export class RequestBatch {
  count = 0;
  /** Decoded, and not answered yet. */
  isFresh = false;
  readonly #limits: HttpLimits;
  readonly #requests: HttpRequest[] = [];

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  at(index: number): HttpRequest {
    return this.#requests[index] as HttpRequest;
  }

  /** The object that the next request is parsed into; it counts after `accept`. */
  next(): HttpRequest {
    let request = this.#requests[this.count];
    if (request === undefined) {
      request = new HttpRequest(this.#limits);
      this.#requests[this.count] = request;
    }
    request.begin();
    return request;
  }

  accept(request: HttpRequest): void {
    // Mostly it is what `next` gave; storing a reference again has its price.
    if (this.#requests[this.count] !== request) this.#requests[this.count] = request;
    this.count++;
  }

  /** Somebody keeps what `next` returned: another takes its place. */
  release(request: HttpRequest): void {
    const index = this.#requests.indexOf(request);
    if (index >= 0) this.#requests[index] = new HttpRequest(this.#limits);
  }
}

/** In `codecState` of a connection whose last request was seen: what still comes is dropped. */
const ENDED = { progress: Progress.Complete };

/**
 * Cuts a stream into frames of one or more whole HTTP requests. A frame holds every request that
 * the last read completed, so that pipelined requests cost one frame and one reply together; what
 * was found while parsing is in `batch` until the next call of `decode`.
 *
 * A request that is not complete waits in `codecState`, with the state of its parser: bytes are
 * looked at once, however the stream is cut.
 */
export class HttpCodec implements ICodec {
  readonly batch: RequestBatch;
  /** Connections that have sent a part of a request and not yet the rest. */
  readonly unfinished = new Set<FrameSource>();

  /** @throws RangeError when a limit is not a whole number above 0. */
  constructor(limits: Partial<HttpLimits> = {}) {
    this.batch = new RequestBatch(limitsFrom({ bodyLengthMax: BODY_LENGTH_MAX, ...limits }));
  }

  /** The request that this connection has begun to send. */
  unfinishedOf(source: FrameSource): HttpRequest | null {
    const held = source.codecState;
    return held instanceof HttpRequest ? held : null;
  }

  /** Nothing more is read from this connection. */
  endStream(source: FrameSource): void {
    this.unfinished.delete(source);
    source.codecState = ENDED;
  }

  encode(_source: FrameSource, bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  decode(source: FrameSource): Buffer | null {
    const available = source.bufferLength();
    if (available === 0) return null;
    const held = source.codecState as HttpRequest | typeof ENDED | undefined;
    if (held === ENDED) {
      source.resetBuffer();
      return null;
    }
    const bytes = source.read();
    this.batch.count = 0;
    const consumed = this.#parse(source, bytes, held as HttpRequest | undefined);
    if (this.batch.count === 0) {
      if (consumed > 0) source.shiftN(consumed);
      return null;
    }
    const frame = consumed === bytes.length ? bytes : bytes.subarray(0, consumed);
    source.shiftN(consumed);
    this.batch.isFresh = true;
    return frame;
  }

  /** Parses until the bytes end or the batch does; returns how many bytes are done with. */
  #parse(source: FrameSource, bytes: Buffer, held: HttpRequest | undefined): number {
    const { batch } = this;
    const end = bytes.length;
    let position = 0;
    let request = held;
    if (request !== undefined) {
      source.codecState = undefined;
      this.unfinished.delete(source);
    }
    while (position < end && batch.count < BATCH_REQUESTS_MAX) {
      request ??= batch.next();
      const before = request.progress;
      position = request.take(bytes, position, end);
      if (request.progress < Progress.Complete) {
        this.#hold(source, request, before, end);
        return position;
      }
      batch.accept(request);
      if (!request.keepAlive) {
        source.codecState = ENDED;
        return end;
      }
      request = undefined;
    }
    return position;
  }

  #hold(source: FrameSource, request: HttpRequest, before: Progress, end: number): void {
    const { batch } = this;
    batch.release(request);
    source.codecState = request;
    this.unfinished.add(source);
    if (request.progress !== Progress.Body || before === Progress.Body) return;
    // The body has a time limit of its own.
    request.receivingSince = 0;
    const bodyBegan = end > request.head.headEnd;
    request.head.detach();
    if (!request.head.expectsContinue || bodyBegan) return;
    const wish = batch.next();
    wish.kind = RequestKind.WantsContinue;
    batch.accept(wish);
  }
}
