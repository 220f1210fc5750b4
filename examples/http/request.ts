import { HttpEvent, type HttpHead, type HttpLimits, HttpParser } from 'gnet/http';

/** What an entry of a batch asks of the handler. */
export const RequestKind = {
  /** Head and body are there. */
  Complete: 0,
  /** The head is there and the client waits for `100 Continue` before it sends the body. */
  WantsContinue: 1,
  /** The bytes are not HTTP, or are too many: answer `status` and close. */
  Malformed: 2,
} as const;
export type RequestKind = (typeof RequestKind)[keyof typeof RequestKind];

/** How far a request has come. */
export const Progress = {
  Head: 0,
  Body: 1,
  Complete: 2,
  Failed: 3,
} as const;
export type Progress = (typeof Progress)[keyof typeof Progress];

const EMPTY = Buffer.alloc(0);
const FIRST_CAPACITY = 1024;

/**
 * One request with its whole body. Objects are used again for later requests, and the bytes are lent:
 * use it inside `react` only.
 */
export class HttpRequest {
  kind: RequestKind = RequestKind.Complete;
  progress: Progress = Progress.Head;
  readonly parser: HttpParser;
  readonly head: HttpHead;
  /** What to answer to a malformed request, such as 400. */
  status = 0;
  keepAlive = true;
  /** The body is `bodyBytes[bodyStart..bodyEnd)`. */
  bodyBytes: Buffer = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;
  /**
   * When this part of an unfinished request was first found unfinished, for whoever sets limits to
   * it; 0 before.
   */
  receivingSince = 0;

  constructor(limits: HttpLimits) {
    this.parser = new HttpParser(limits);
    this.head = this.parser.head;
  }

  /** Makes the object ready for another request. */
  begin(): void {
    if (!this.keepAlive) this.parser.reset();
    this.kind = RequestKind.Complete;
    this.progress = Progress.Head;
    this.keepAlive = true;
    this.receivingSince = 0;
    if (this.bodyBytes !== EMPTY) this.bodyBytes = EMPTY;
    this.bodyStart = 0;
    this.bodyEnd = 0;
  }

  /** Takes what it can of `bytes[start..end)` and returns where it stopped. */
  take(bytes: Buffer, start: number, end: number): number {
    const { parser } = this;
    let position = start;
    for (;;) {
      const event = parser.next(bytes, position, end);
      position = parser.position;
      switch (event) {
        case HttpEvent.Head:
          this.progress = Progress.Body;
          break;
        case HttpEvent.Data:
          this.#takeBody(bytes, parser.dataStart, parser.dataEnd);
          break;
        case HttpEvent.End:
          this.progress = Progress.Complete;
          this.keepAlive = this.head.keepAlive;
          return position;
        case HttpEvent.Failed:
          this.kind = RequestKind.Malformed;
          this.progress = Progress.Failed;
          this.status = parser.status;
          this.keepAlive = false;
          return position;
        default:
          return position;
      }
    }
  }

  #takeBody(bytes: Buffer, start: number, end: number): void {
    if (end - start === this.head.contentLength) {
      this.bodyBytes = bytes;
      this.bodyStart = start;
      this.bodyEnd = end;
      return;
    }
    const needed = this.bodyEnd + (end - start);
    if (needed > this.bodyBytes.length) {
      // Grows with what was received, never with what a length promises.
      const capacity = Math.max(needed, this.bodyBytes.length * 2, FIRST_CAPACITY);
      const grown = Buffer.allocUnsafe(capacity);
      this.bodyBytes.copy(grown, 0, 0, this.bodyEnd);
      this.bodyBytes = grown;
    }
    bytes.copy(this.bodyBytes, this.bodyEnd, start, end);
    this.bodyEnd = needed;
  }

  /** A view of the body; empty when there is none. */
  body(): Buffer {
    return this.bodyBytes.subarray(this.bodyStart, this.bodyEnd);
  }
}
