/**
 * Clients send the same heads again and again. What was accepted once is accepted again without a look at
 * each byte: the same bytes, read from the same state under the same limits, mean the same. The request line
 * and the header lines are known apart from each other, since clients change the one and not the others.
 *
 * Only whole parts that are there at once are compared; everything else is read byte by byte.
 */
import type { HttpLimits } from './limits.ts';
import { HeadState, type HttpHead, type Method } from './head.ts';

/** Longer request lines, and longer header lines all together, are not kept; bytes. */
const LINE_MAX = 1024;
const HEADERS_MAX = 4096;
/** Up to here a loop costs less than a call into the runtime (measured: 26 ns for 44 bytes, 78 ns a call). */
const SHORT = 96;
/**
 * Lines that only one client may know: others could find out by the time that a comparison takes, and they
 * would stay in memory.
 */
const secrets = /^(?:cookie|(?:proxy-)?authorization):/im;
/** So many others must come in a row until one takes the place of what is kept; then twice as many. */
const PATIENCE_MIN = 4;
const PATIENCE_MAX = 64;

/** An accepted request line, with its line end. Offsets count from its start. */
export class KnownLine {
  readonly bytes: Buffer;
  readonly method: Method;
  readonly minorVersion: number;
  readonly methodEnd: number;
  readonly targetStart: number;
  readonly targetEnd: number;
  readonly pathStart: number;
  #target: string | null = null;

  constructor(head: HttpHead) {
    const { methodStart } = head;
    this.bytes = copyOf(head.bytes, methodStart, head.headersStart);
    this.method = head.method;
    this.minorVersion = head.minorVersion;
    this.methodEnd = head.methodEnd - methodStart;
    this.targetStart = head.targetStart - methodStart;
    this.targetEnd = head.targetEnd - methodStart;
    this.pathStart = head.pathStart - methodStart;
  }

  get target(): string {
    this.#target ??= this.bytes.toString('latin1', this.targetStart, this.targetEnd);
    return this.#target;
  }

  /** Puts the head behind this line, which begins at its position. */
  applyTo(head: HttpHead): void {
    const start = head.position;
    head.methodStart = start;
    head.method = this.method;
    head.minorVersion = this.minorVersion;
    head.methodEnd = start + this.methodEnd;
    head.targetStart = start + this.targetStart;
    head.targetEnd = start + this.targetEnd;
    head.pathStart = start + this.pathStart;
    head.headersStart = head.position = start + this.bytes.length;
    head.state = HeadState.LineStart;
  }
}

/** Accepted header lines, with the empty one behind them. Offsets count from their start. */
export class KnownHeaders {
  readonly bytes: Buffer;
  readonly headerCount: number;
  readonly hostStart: number;
  readonly hostEnd: number;
  readonly contentLength: number;
  readonly hasTransferEncoding: boolean;
  readonly chunked: boolean;
  readonly connectionClose: boolean;
  readonly connectionKeepAlive: boolean;
  readonly expectsContinue: boolean;
  #host: string | null = null;
  #text: string | null = null;

  constructor(head: HttpHead) {
    const { headersStart } = head;
    this.bytes = copyOf(head.bytes, headersStart, head.headEnd);
    this.headerCount = head.headerCount;
    this.hostStart = head.hostStart - headersStart;
    this.hostEnd = head.hostEnd - headersStart;
    this.contentLength = head.contentLength;
    this.hasTransferEncoding = head.hasTransferEncoding;
    this.chunked = head.chunked;
    this.connectionClose = head.connectionClose;
    this.connectionKeepAlive = head.connectionKeepAlive;
    this.expectsContinue = head.expectsContinue;
  }

  get host(): string {
    this.#host ??= this.bytes.toString('latin1', this.hostStart, this.hostEnd);
    return this.#host;
  }

  get text(): string {
    this.#text ??= this.bytes.toString('latin1', 0, this.bytes.length - 2);
    return this.#text;
  }

  /** Puts the head, which is at the start of these lines, at their last byte. */
  applyTo(head: HttpHead): void {
    const start = head.position;
    head.headerCount = this.headerCount;
    head.hostCount = 1;
    head.hostStart = start + this.hostStart;
    head.hostEnd = start + this.hostEnd;
    head.contentLength = this.contentLength;
    head.hasTransferEncoding = this.hasTransferEncoding;
    head.chunked = this.chunked;
    head.connectionClose = this.connectionClose;
    head.connectionKeepAlive = this.connectionKeepAlive;
    head.expectsContinue = this.expectsContinue;
    head.position = start + this.bytes.length - 1;
    head.state = HeadState.HeadLineFeed;
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

const NOTHING = Buffer.alloc(0);

/** One part that was accepted, to compare others with. */
class Sample {
  #bytes: Buffer = NOTHING;
  /** Where the last one differed: the next one may do so, too. */
  #difference = 0;
  /** In a row. */
  #misses = 0;
  /** The first one is kept at once. */
  #patience = 1;

  /** Whether it stands at `at`. */
  isAt(at: number, bytes: Buffer, end: number): boolean {
    const known = this.#bytes;
    const { length } = known;
    if (length === 0 || end - at < length) return false;
    if (bytes[at + this.#difference] !== known[this.#difference]) return false;
    if (length > SHORT && bytes.compare(known, 0, length, at, at + length) === 0) {
      this.#found();
      return true;
    }
    let index = 0;
    while (index < length && bytes[at + index] === known[index]) index++;
    if (index < length) {
      this.#difference = index;
      return false;
    }
    this.#found();
    return true;
  }

  #found(): void {
    if (this.#misses === 0) return;
    this.#misses = 0;
    this.#patience = PATIENCE_MIN;
  }

  /** Another one was accepted. Returns whether that one is to be kept. */
  isOutdated(): boolean {
    if (++this.#misses < this.#patience) return false;
    this.#misses = 0;
    this.#patience = Math.min(Math.max(this.#patience * 2, PATIENCE_MIN), PATIENCE_MAX);
    return true;
  }

  keep(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#difference = 0;
  }
}

/** The last request line and the last header lines that came often: for all parsers with the same limits. */
export class KnownHeads {
  readonly #lineSample: Sample = new Sample();
  readonly #headersSample: Sample = new Sample();
  #line: KnownLine | null = null;
  #headers: KnownHeaders | null = null;

  /** The head is at its first byte, of which nothing has been read. */
  takeLine(head: HttpHead, bytes: Buffer, end: number): void {
    if (!this.#lineSample.isAt(head.position, bytes, end)) return;
    head.line = this.#line;
    (this.#line as KnownLine).applyTo(head);
  }

  /** The head is at its first header line, of which nothing has been read. */
  takeHeaders(head: HttpHead, bytes: Buffer, end: number): void {
    if (!this.#headersSample.isAt(head.position, bytes, end)) return;
    head.headers = this.#headers;
    (this.#headers as KnownHeaders).applyTo(head);
  }

  /** It has been accepted: keeps what was not known of it, if that comes often. */
  accepted(head: HttpHead): void {
    if (head.line === null) this.#addLine(head);
    // Of an older version something was ignored that this does not know of.
    if (head.headers === null && head.minorVersion > 0) this.#addHeaders(head);
  }

  #addLine(head: HttpHead): void {
    if (head.headersStart - head.methodStart > LINE_MAX) return;
    if (!this.#lineSample.isOutdated()) return;
    const line = new KnownLine(head);
    this.#line = head.line = line;
    this.#lineSample.keep(line.bytes);
  }

  #addHeaders(head: HttpHead): void {
    if (head.headEnd - head.headersStart > HEADERS_MAX) return;
    if (!this.#headersSample.isOutdated()) return;
    const headers = new KnownHeaders(head);
    if (secrets.test(headers.text)) return;
    this.#headers = head.headers = headers;
    this.#headersSample.keep(headers.bytes);
  }
}

const all = new WeakMap<HttpLimits, KnownHeads>();

/** What one parser accepts under these limits, every other does. */
export function knownHeadsOf(limits: HttpLimits): KnownHeads {
  let known = all.get(limits);
  if (known === undefined) {
    known = new KnownHeads();
    all.set(limits, known);
  }
  return known;
}
