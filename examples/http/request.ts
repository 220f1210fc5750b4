import { COLON, CR, equalsIgnoringCase, isBlank, QUESTION_MARK } from './characters.ts';
import type { ChunkedBody } from './chunked-body.ts';

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

export const Method = { Other: 0, Get: 1, Head: 2, Post: 3, Options: 4, Connect: 5 } as const;
export type Method = (typeof Method)[keyof typeof Method];

/**
 * Where the parser stands in a request.
 *
 *   BeforeRequest -> MethodName -> Target -> Version -+
 *                                                     v
 *             +----------------------------------> LineStart -> HeadLineFeed -> Body
 *             |                                       |
 *   HeaderLineFeed <- HeaderValue <- HeaderPadding <- HeaderName
 *
 * and from everywhere to Failed. The numbers rise with the way through a request.
 */
export const ParseState = {
  /** Empty lines may come; the first other byte begins the method. */
  BeforeRequest: 0,
  MethodName: 1,
  Target: 2,
  /** `HTTP/1.x` and the line end. */
  Version: 3,
  /** At the first byte of a header line, or of the empty line that ends the head. */
  LineStart: 4,
  HeaderName: 5,
  /** Optional white space between colon and value. */
  HeaderPadding: 6,
  HeaderValue: 7,
  /** After the CR of a header line. */
  HeaderLineFeed: 8,
  /** After the CR of the empty line. */
  HeadLineFeed: 9,
  /** The head is complete; the body is being received, or there is none. */
  Body: 10,
  /** `status` says what to answer. */
  Failed: 11,
} as const;
export type ParseState = (typeof ParseState)[keyof typeof ParseState];

const EMPTY = Buffer.alloc(0);

/**
 * One request as offsets into the bytes it arrived in: text is made only when it is asked for.
 * Objects are used again for later requests, and the bytes are lent: use it inside `react` only.
 */
export class HttpRequest {
  kind: RequestKind = RequestKind.Complete;
  /** What to answer to a malformed request, such as 400. */
  status = 0;
  method: Method = Method.Other;
  /** The x of HTTP/1.x. */
  minorVersion = 1;
  keepAlive = true;

  /** The head is `bytes[start..headEnd)`. */
  bytes: Buffer = EMPTY;
  start = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Where the path begins in the target; its end when there is none, as in `http://host`. */
  pathStart = 0;
  headersStart = 0;
  headEnd = 0;
  /** The body is `bodyBytes[bodyStart..bodyEnd)`. */
  bodyBytes: Buffer = EMPTY;
  bodyStart = 0;
  bodyEnd = 0;

  // Of the parser, from here on.
  state: ParseState = ParseState.BeforeRequest;
  /** Next byte to look at. */
  position = 0;
  emptyLines = 0;
  headerCount = 0;
  hostCount = 0;
  /** Which of the headers the parser cares for the current line is; 0 for all others. */
  headerKind = 0;
  valueStart = 0;
  /** -1 without such a header. */
  contentLength = -1;
  /** There was such a header, with or without a coding in it. */
  hasTransferEncoding = false;
  chunked = false;
  connectionClose = false;
  connectionKeepAlive = false;
  expectsContinue = false;
  expectsUnknown = false;
  /** The head has a copy of its own, apart from the bytes that are being parsed. */
  headDetached = false;
  chunkedBody: ChunkedBody | null = null;
  /**
   * When this part of an unfinished request was first found unfinished, for whoever sets limits to
   * it; 0 before.
   */
  receivingSince = 0;

  /** Makes the object ready for the request that begins at `start`. */
  begin(bytes: Buffer, start: number): void {
    this.kind = RequestKind.Complete;
    // Mostly they are the same as before; storing a reference again has its price.
    if (this.bytes !== bytes) this.bytes = bytes;
    this.start = start;
    this.position = start;
    this.state = ParseState.BeforeRequest;
    this.emptyLines = 0;
    this.headerCount = 0;
    this.hostCount = 0;
    this.contentLength = -1;
    this.hasTransferEncoding = false;
    this.chunked = false;
    this.receivingSince = 0;
    this.connectionClose = false;
    this.connectionKeepAlive = false;
    this.expectsContinue = false;
    this.expectsUnknown = false;
    this.headDetached = false;
    this.chunkedBody = null;
    if (this.bodyBytes !== EMPTY) this.bodyBytes = EMPTY;
    this.bodyStart = 0;
    this.bodyEnd = 0;
  }

  /** The bytes before `start` are gone: counts all offsets from there. */
  rebase(bytes: Buffer): void {
    const by = this.start;
    this.bytes = bytes;
    this.start = 0;
    this.position -= by;
    this.methodStart -= by;
    this.methodEnd -= by;
    this.targetStart -= by;
    this.targetEnd -= by;
    this.pathStart -= by;
    this.headersStart -= by;
    this.headEnd -= by;
    this.valueStart -= by;
  }

  /** Keeps a copy of the head, so that its bytes can be given back while the body arrives. */
  detachHead(): void {
    this.rebase(Buffer.from(this.bytes.subarray(this.start, this.headEnd)));
    this.headDetached = true;
  }

  methodText(): string {
    return this.bytes.toString('latin1', this.methodStart, this.methodEnd);
  }

  /** The request target as it was sent: still encoded, with its query. */
  targetText(): string {
    return this.bytes.toString('latin1', this.targetStart, this.targetEnd);
  }

  /** Where the path ends: at its query, or with the target. */
  pathEnd(): number {
    const { bytes, targetEnd } = this;
    let position = this.pathStart;
    while (position < targetEnd && bytes[position] !== QUESTION_MARK) position++;
    return position;
  }

  /** The value of the first header with that name (lower case), without a copy of the others. */
  header(name: string): string | undefined {
    const wanted = Buffer.from(name, 'latin1');
    const { bytes } = this;
    let line = this.headersStart;
    while (line < this.headEnd && bytes[line] !== CR) {
      const colon = bytes.indexOf(COLON, line);
      let end = bytes.indexOf(CR, colon);
      const next = end + 2;
      if (equalsIgnoringCase(bytes, line, colon, wanted)) {
        let start = colon + 1;
        while (start < end && isBlank(bytes[start] as number)) start++;
        while (end > start && isBlank(bytes[end - 1] as number)) end--;
        return bytes.toString('latin1', start, end);
      }
      line = next;
    }
    return undefined;
  }

  /** A view of the body; empty when there is none. */
  body(): Buffer {
    return this.bodyBytes.subarray(this.bodyStart, this.bodyEnd);
  }
}
