import { ChunkDecoder, ChunkState } from './chunk-decoder.ts';
import { HeadState, HttpHead } from './head.ts';
import { parseHead } from './head-parser.ts';
import { type HttpLimits, limitsFrom } from './limits.ts';

/** What `HttpParser.next` has found. */
export const HttpEvent = {
  /** Nothing more in these bytes: give those from `position` on again, with more behind them. */
  More: 0,
  /** The head of a request is in `head`. */
  Head: 1,
  /** A piece of its body stands at `dataStart..dataEnd`; it is not empty. */
  Data: 2,
  /** The request is complete; `trailers` has what came behind a body in chunks. */
  End: 3,
  /** These bytes are no request, or are too many: answer `status` and close. */
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
 * Takes the requests of one connection apart: the head first, then the body in the pieces it arrives
 * in. It looks at every byte once, wherever the stream is cut, keeps none, and is strict: where
 * leniency lets two parsers disagree about where a request ends, it fails.
 *
 * The caller loops: `next` for as long as it does not return `More`, each time from `position` on.
 */
export class HttpParser {
  readonly limits: HttpLimits;
  /** Valid from `Head` until the request after it; its text only while `bytes` stay as they are. */
  readonly head: HttpHead = new HttpHead();
  /** Up to here the bytes given are done with. */
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

  /** @throws RangeError when a limit is not a whole number above 0. */
  constructor(limits: Partial<HttpLimits> = {}) {
    this.limits = limitsFrom(limits);
  }

  /** Nothing of a request has come yet; the empty lines before one do not count. */
  get isBetweenRequests(): boolean {
    if (this.#stage !== Stage.Head) return false;
    return !this.#begun || this.head.state === HeadState.BeforeRequest;
  }

  /** The head of a request has come in part, or its body is still to come. */
  get isInBody(): boolean {
    return this.#stage === Stage.Body || this.#stage === Stage.Chunks;
  }

  /** The trailer lines of the last body in chunks, with their line ends; empty without any. */
  get trailers(): string {
    return this.#chunks === null ? '' : this.#chunks.trailers;
  }

  /** Looks at `bytes[start..end)`, where `start` is behind everything that is done with. */
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

  /** As new: for another connection. */
  reset(): void {
    this.#stage = Stage.Head;
    this.#begun = false;
    this.#chunks = null;
  }

  /** Nothing more is a request: what still comes is taken for done with. */
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
    const state = parseHead(head, bytes, end, this.limits);
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
