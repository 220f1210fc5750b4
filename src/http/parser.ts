import { ChunkDecoder, ChunkState } from './chunk-decoder.ts';
import { HeadState, HttpHead } from './head.ts';
import { parseHead } from './head-parser.ts';
import { type KnownHeads, knownHeadsOf } from './known-heads.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';

/** What `HttpParser.next` has found. */
export const HttpEvent = {
  /** These bytes hold nothing more: pass those from `position` on again, followed by more. */
  More: 0,
  /** The head of a request is in `head`. */
  Head: 1,
  /** A piece of its body is at `dataStart..dataEnd`; it is not empty. */
  Data: 2,
  /** The request is complete; `trailers` has the lines after a chunked body. */
  End: 3,
  /** The bytes are not a valid request, or exceed a limit: answer `status` and close. */
  Failed: 4,
} as const;
export type HttpEvent = (typeof HttpEvent)[keyof typeof HttpEvent];

/** What comes next. */
const Stage = {
  Head: 0,
  /** A body of known length. */
  Body: 1,
  Chunks: 2,
  /** The request is over, and `End` has not been said yet. */
  End: 3,
  /** What still comes on this connection is no request. */
  Over: 4,
} as const;
type Stage = (typeof Stage)[keyof typeof Stage];

/**
 * Parses the requests of one connection: first the head, then the body in the pieces in which it
 * arrives. It examines every byte once, wherever the stream is cut, and keeps none. It is strict:
 * where leniency would let two parsers disagree about the end of a request, it fails.
 *
 * Call `next` in a loop until it returns `More`, each time from `position` on.
 */
export class HttpParser {
  readonly limits: HttpLimits;
  /**
   * Valid from `Head` until the next request; its text is valid only while `bytes` do not change.
   */
  readonly head: HttpHead = new HttpHead();
  /** The given bytes are processed up to here. */
  position = 0;
  dataStart = 0;
  dataEnd = 0;
  /** After `Failed`: 400, 413, 414, 417, 431, 501 or 505. */
  status = 0;
  #stage: Stage = Stage.Head;
  /** A part of a head has been looked at. */
  #begun = false;
  /** Of a body with a known length: bytes that are still to come. */
  #remaining = 0;
  #chunks: ChunkDecoder | null = null;
  readonly #known: KnownHeads;

  /** @throws RangeError if a limit is not a whole number above 0. */
  constructor(limits: Partial<HttpLimits> = {}) {
    this.limits = limitsFrom(limits);
    this.#known = knownHeadsOf(this.limits);
  }

  /** No byte of a request has arrived yet; empty lines before one do not count. */
  get isBetweenRequests(): boolean {
    if (this.#stage !== Stage.Head) return false;
    return !this.#begun || this.head.state === HeadState.BeforeRequest;
  }

  /** A request has arrived in part: its head is incomplete, or its body. */
  get isInBody(): boolean {
    return this.#stage === Stage.Body || this.#stage === Stage.Chunks;
  }

  /** The trailer lines of the last chunked body, with their line ends; empty if there were none. */
  get trailers(): string {
    return this.#chunks === null ? '' : this.#chunks.trailers;
  }

  /** Parses `bytes[start..end)`; `start` is after all processed bytes. */
  next(bytes: Buffer, start: number, end: number): HttpEvent {
    this.position = start;
    switch (this.#stage) {
      case Stage.Head:
        return start === end ? HttpEvent.More : this.#takeHead(bytes, start, end);
      case Stage.Body:
        return start === end ? HttpEvent.More : this.#takeBody(start, end);
      case Stage.Chunks:
        return start === end ? HttpEvent.More : this.#takeChunks(bytes, start, end);
      case Stage.End:
        this.#stage = this.head.keepAlive ? Stage.Head : Stage.Over;
        return HttpEvent.End;
      default:
        this.position = end;
        return HttpEvent.More;
    }
  }

  /** Resets the parser for another connection. */
  reset(): void {
    this.#stage = Stage.Head;
    this.#begun = false;
    this.#chunks = null;
  }

  /** Ends parsing: all further bytes count as processed. */
  finish(): void {
    this.#stage = Stage.Over;
  }

  #fail(status: number, end: number): HttpEvent {
    this.status = status;
    this.position = end;
    this.head.keepAlive = false;
    this.#begun = false;
    this.#stage = Stage.Over;
    return HttpEvent.Failed;
  }

  #takeHead(bytes: Buffer, start: number, end: number): HttpEvent {
    const { head } = this;
    if (this.#begun) head.rebase(bytes, start);
    else {
      this.#begun = true;
      this.#chunks = null;
      head.begin(bytes, start);
    }
    const state = parseHead(head, bytes, end, this.limits, this.#known);
    if (state === HeadState.Failed) return this.#fail(head.status, end);
    if (state !== HeadState.Body) return HttpEvent.More;
    this.#begun = false;
    this.position = head.headEnd;
    if (head.chunked) {
      this.#chunks = new ChunkDecoder(this.limits);
      this.#stage = Stage.Chunks;
    } else if (head.contentLength > 0) {
      this.#remaining = head.contentLength;
      this.#stage = Stage.Body;
    } else this.#stage = Stage.End;
    return HttpEvent.Head;
  }

  #takeBody(start: number, end: number): HttpEvent {
    const stop = Math.min(end, start + this.#remaining);
    this.#remaining -= stop - start;
    this.dataStart = start;
    this.dataEnd = this.position = stop;
    if (this.#remaining === 0) this.#stage = Stage.End;
    return HttpEvent.Data;
  }

  #takeChunks(bytes: Buffer, start: number, end: number): HttpEvent {
    const chunks = this.#chunks as ChunkDecoder;
    this.position = chunks.take(bytes, start, end);
    if (chunks.state === ChunkState.Failed) return this.#fail(chunks.status, end);
    if (chunks.state === ChunkState.Done) {
      // Behind the data of the last call, or without any.
      this.#stage = Stage.End;
      return this.next(bytes, this.position, end);
    }
    if (chunks.dataStart === chunks.dataEnd) return HttpEvent.More;
    this.dataStart = chunks.dataStart;
    this.dataEnd = chunks.dataEnd;
    return HttpEvent.Data;
  }
}
