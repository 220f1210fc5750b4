import type { FrameSource, ICodec } from 'gnet/codec';
import { ChunkedBody, ChunkState } from './chunked-body.ts';
import { parseHead } from './head-parser.ts';
import { defaultLimits, type HttpLimits, limitsFrom } from './limits.ts';
import { HttpRequest, ParseState, RequestKind } from './request.ts';

/**
 * The requests of one frame, in order. Only the last can be malformed, want a continue or end the
 * connection: nothing is parsed after such a one.
 */
export class RequestBatch {
  count = 0;
  /** Decoded, and not answered yet. */
  isFresh = false;
  readonly #requests: HttpRequest[] = [];

  at(index: number): HttpRequest {
    return this.#requests[index] as HttpRequest;
  }

  /** The object that the next request is parsed into; it counts after `accept`. */
  next(): HttpRequest {
    let request = this.#requests[this.count];
    if (request === undefined) {
      request = new HttpRequest();
      this.#requests[this.count] = request;
    }
    return request;
  }

  accept(request: HttpRequest): void {
    // Mostly it is what `next` gave; storing a reference again has its price.
    if (this.#requests[this.count] !== request) this.#requests[this.count] = request;
    this.count++;
  }

  /** The caller keeps what `next` returned; it must not be used for another request. */
  release(): void {
    this.#requests[this.count] = new HttpRequest();
  }
}

/** In `codecState` of a connection whose last request was seen: what still comes is dropped. */
const ENDED = new HttpRequest();

/**
 * Cuts a stream into frames of one or more whole HTTP requests. A frame holds every request that
 * the last read completed, so that pipelined requests cost one frame and one reply together; what
 * was found while parsing is in `batch` until the next call of `decode`.
 *
 * A request that is not complete waits in `codecState`, with the state of its parser: bytes are
 * looked at once, however the stream is cut.
 */
export class HttpCodec implements ICodec {
  readonly batch = new RequestBatch();
  /** Connections that have sent a part of a request and not yet the rest. */
  readonly unfinished = new Set<FrameSource>();
  readonly #limits: HttpLimits;

  /** @throws RangeError when a limit is not a whole number above 0. */
  constructor(limits: Partial<HttpLimits> = defaultLimits) {
    this.#limits = limitsFrom(limits);
  }

  /** The request that this connection has begun to send. */
  unfinishedOf(source: FrameSource): HttpRequest | null {
    const held = source.codecState as HttpRequest | undefined;
    return held === undefined || held === ENDED ? null : held;
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
    const held = source.codecState as HttpRequest | undefined;
    if (held === ENDED) {
      source.resetBuffer();
      return null;
    }
    if (held !== undefined && isWaitingForLength(held, available)) return null;

    const bytes = source.read();
    this.batch.count = 0;
    const consumed = this.#parse(source, bytes, held);
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
    const batch = this.batch;
    const end = bytes.length;
    let position = 0;
    let request = held;
    const limits = this.#limits;
    if (request !== undefined) {
      source.codecState = undefined;
      this.unfinished.delete(source);
      // A head that was kept apart has its own bytes; the others go on in these.
      if (!request.headDetached) request.bytes = bytes;
    }
    while (position < end && batch.count < limits.batchRequestsMax) {
      if (request === undefined) {
        request = batch.next();
        request.begin(bytes, position);
      }
      if (request.state !== ParseState.Body) {
        const state = parseHead(request, bytes, end, limits);
        if (state === ParseState.Failed) return this.#malformed(source, request, end);
        if (state !== ParseState.Body) {
          this.#hold(source, request, bytes);
          return position;
        }
        position = request.position;
      }
      position = takeBody(request, bytes, position, end, limits);
      if (hasFailed(request)) return this.#malformed(source, request, end);
      if (!isWhole(request)) {
        this.#holdForBody(source, request, end);
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

  #malformed(source: FrameSource, request: HttpRequest, end: number): number {
    request.kind = RequestKind.Malformed;
    request.keepAlive = false;
    this.batch.accept(request);
    source.codecState = ENDED;
    return end;
  }

  #hold(source: FrameSource, request: HttpRequest, bytes: Buffer): void {
    if (request === this.batch.next()) this.batch.release();
    request.rebase(bytes);
    source.codecState = request;
    this.unfinished.add(source);
  }

  #holdForBody(source: FrameSource, request: HttpRequest, end: number): void {
    source.codecState = request;
    this.unfinished.add(source);
    if (request.headDetached) return;
    // The body has a time limit of its own.
    request.receivingSince = 0;
    const batch = this.batch;
    if (request === batch.next()) batch.release();
    const bodyBegan = end > request.headEnd;
    request.detachHead();
    if (!request.expectsContinue || bodyBegan) return;
    const wish = batch.next();
    wish.kind = RequestKind.WantsContinue;
    wish.keepAlive = true;
    batch.accept(wish);
  }
}

function hasFailed(request: HttpRequest): boolean {
  return request.state === ParseState.Failed;
}

function isWaitingForLength(request: HttpRequest, available: number): boolean {
  return request.state === ParseState.Body && !request.chunked && available < request.contentLength;
}

/** Takes the body, or what there is of a chunked one; returns the first byte after it. */
function takeBody(
  request: HttpRequest,
  bytes: Buffer,
  start: number,
  end: number,
  limits: HttpLimits,
): number {
  if (request.chunked) return takeChunks(request, bytes, start, end, limits);
  const length = request.contentLength;
  if (length <= 0 || end - start < length) return start;
  request.bodyBytes = bytes;
  request.bodyStart = start;
  request.bodyEnd = start + length;
  return start + length;
}

function takeChunks(
  request: HttpRequest,
  bytes: Buffer,
  start: number,
  end: number,
  limits: HttpLimits,
): number {
  let body = request.chunkedBody;
  if (body === null) {
    body = new ChunkedBody(limits);
    request.chunkedBody = body;
  }
  const position = body.take(bytes, start, end);
  if (body.state === ChunkState.Failed) {
    request.status = body.status;
    request.state = ParseState.Failed;
  } else if (body.state === ChunkState.Done) {
    request.bodyBytes = body.bytes;
    request.bodyEnd = body.length;
  }
  return position;
}

function isWhole(request: HttpRequest): boolean {
  if (request.chunked) return request.chunkedBody?.state === ChunkState.Done;
  return request.contentLength <= 0 || request.bodyEnd > request.bodyStart;
}
