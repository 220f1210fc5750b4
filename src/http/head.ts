import { COLON, CR, equalsIgnoringCase, isBlank, QUESTION_MARK } from './characters.ts';

/** The most common methods, and `Other` for all others. */
export const Method = {
  Other: 0,
  Get: 1,
  Head: 2,
  Post: 3,
  Options: 4,
  Connect: 5,
  Put: 6,
  Delete: 7,
  Patch: 8,
} as const;
export type Method = (typeof Method)[keyof typeof Method];

/** Indexed by `Method`; the text of any other method is only in the bytes. */
const METHOD_TEXTS = [
  '',
  'GET',
  'HEAD',
  'POST',
  'OPTIONS',
  'CONNECT',
  'PUT',
  'DELETE',
  'PATCH',
] as const;

/**
 * The position of the parser in the head of a request.
 *
 *   BeforeRequest -> MethodName -> Target -> Version -+
 *                                                     v
 *             +----------------------------------> LineStart -> HeadLineFeed -> Body
 *             |                                       |
 *   HeaderLineFeed <- HeaderValue <- HeaderPadding <- HeaderName
 *
 * and from everywhere to Failed. The numbers rise with the way through a request.
 */
export const HeadState = {
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
export type HeadState = (typeof HeadState)[keyof typeof HeadState];

const EMPTY = Buffer.alloc(0);

/**
 * The head of one request as offsets into the bytes in which it arrived; it creates text only on
 * demand. The bytes are lent, and the parser reuses the object for the next request: see
 * `HttpParser`. `detach` keeps the bytes for longer.
 */
export class HttpHead {
  method: Method = Method.Other;
  /** The x of HTTP/1.x. */
  minorVersion = 1;
  /** The client may send another request on this connection. */
  keepAlive = true;
  /** Bytes of the body; -1 without such a header. */
  contentLength = -1;
  /** The body comes in chunks; its length is not known. */
  chunked = false;
  /** The client waits for `100 Continue` before it sends the body. */
  expectsContinue = false;

  /** The head is `bytes[start..headEnd)`. */
  bytes: Buffer = EMPTY;
  start = 0;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** Where the path begins in the target; its end when there is none, as in `http://host`. */
  pathStart = 0;
  /** The value of `Host`; both are 0 without one. */
  hostStart = 0;
  hostEnd = 0;
  headersStart = 0;
  headEnd = 0;

  // Of the parser, from here on.
  state: HeadState = HeadState.BeforeRequest;
  /** After Failed: what to answer, such as 400. */
  status = 0;
  /** Next byte to look at. */
  position = 0;
  emptyLines = 0;
  headerCount = 0;
  hostCount = 0;
  /** Which of the headers the parser cares for the current line is; 0 for all others. */
  headerKind = 0;
  valueStart = 0;
  /** There was such a header, with or without a coding in it. */
  hasTransferEncoding = false;
  connectionClose = false;
  connectionKeepAlive = false;
  expectsUnknown = false;
  /** The head has a copy of its own, apart from the bytes that are being parsed. */
  isDetached = false;
  /** Texts of the request line and of the header lines, where the same came before: they are made once. */
  line: { readonly target: string } | null = null;
  headers: { readonly host: string; readonly text: string } | null = null;

  /** Makes the object ready for the request that begins at `start`. */
  begin(bytes: Buffer, start: number): void {
    // Mostly they are the same as before; storing a reference again has its price.
    if (this.bytes !== bytes) this.bytes = bytes;
    this.start = start;
    this.position = start;
    this.state = HeadState.BeforeRequest;
    this.emptyLines = 0;
    this.headerCount = 0;
    this.hostCount = 0;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.contentLength = -1;
    this.hasTransferEncoding = false;
    this.chunked = false;
    this.connectionClose = false;
    this.connectionKeepAlive = false;
    this.expectsContinue = false;
    this.expectsUnknown = false;
    this.isDetached = false;
    if (this.line !== null) this.line = null;
    if (this.headers !== null) this.headers = null;
  }

  /** The head begins at `start` of these bytes now: counts all offsets from there. */
  rebase(bytes: Buffer, start: number): void {
    const by = this.start - start;
    if (this.bytes !== bytes) this.bytes = bytes;
    if (by === 0) return;
    this.start -= by;
    this.position -= by;
    this.methodStart -= by;
    this.methodEnd -= by;
    this.targetStart -= by;
    this.targetEnd -= by;
    this.pathStart -= by;
    this.hostStart -= by;
    this.hostEnd -= by;
    this.headersStart -= by;
    this.headEnd -= by;
    this.valueStart -= by;
  }

  /** Copies the head, so that it stays valid when its bytes are reused. */
  detach(): void {
    if (this.isDetached) return;
    this.rebase(Buffer.from(this.bytes.subarray(this.start, this.headEnd)), 0);
    this.isDetached = true;
  }

  methodText(): string {
    if (this.method !== Method.Other) return METHOD_TEXTS[this.method] as string;
    return this.bytes.toString('latin1', this.methodStart, this.methodEnd);
  }

  /** The request target as the client sent it: still encoded, with its query. */
  targetText(): string {
    if (this.line !== null) return this.line.target;
    return this.bytes.toString('latin1', this.targetStart, this.targetEnd);
  }

  /** The value of `Host`; empty without one. */
  hostText(): string {
    if (this.hostCount === 0) return '';
    if (this.headers !== null) return this.headers.host;
    return this.bytes.toString('latin1', this.hostStart, this.hostEnd);
  }

  /** Where the path ends: at its query, or with the target. */
  pathEnd(): number {
    const { bytes, targetEnd } = this;
    let position = this.pathStart;
    while (position < targetEnd && bytes[position] !== QUESTION_MARK) position++;
    return position;
  }

  /**
   * All header lines with their line ends, as the client sent them; bytes above ASCII as latin1.
   */
  headersText(): string {
    if (this.headers !== null) return this.headers.text;
    return this.bytes.toString('latin1', this.headersStart, this.headEnd - 2);
  }

  /** The value of the first header with this name (lower case), without copying the others. */
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
}
