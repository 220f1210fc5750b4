/**
 * The head of an HTTP/1.1 head, byte by byte, stopping and going on anywhere. No text is made.
 * It is strict where leniency lets two parsers disagree about where a request ends: a line ends
 * with CR LF and nothing else, folded lines and blanks before a colon are refused, and a length is
 * given once and in one way.
 */
import {
  COLON,
  COMMA,
  CR,
  equalsExactly,
  equalsIgnoringCase,
  IS_FIELD,
  IS_TARGET,
  IS_TOKEN,
  isBlank,
  LF,
  NINE,
  SLASH,
  SPACE,
  ZERO,
} from './characters.ts';
import type { KnownHeads } from './known-heads.ts';
import type { HttpLimits } from './limits.ts';
import { HeadState, type HttpHead, Method } from './head.ts';
import { isHost, takeOtherTarget } from './target.ts';

const HOST = Buffer.from('host');
const EXPECT = Buffer.from('expect');
const CONNECTION = Buffer.from('connection');
const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CHUNKED = Buffer.from('chunked');
const CLOSE = Buffer.from('close');
const KEEP_ALIVE = Buffer.from('keep-alive');
const CONTINUE = Buffer.from('100-continue');
const GET = Buffer.from('GET');
const PUT = Buffer.from('PUT');
const POST = Buffer.from('POST');
const HEAD = Buffer.from('HEAD');
const PATCH = Buffer.from('PATCH');
const DELETE = Buffer.from('DELETE');
const OPTIONS = Buffer.from('OPTIONS');
const CONNECT = Buffer.from('CONNECT');
const VERSION_PREFIX = Buffer.from('HTTP/1.');
const VERSION_LINE_LENGTH = 'HTTP/1.1\r\n'.length;

/** The headers that decide where a request ends and what becomes of its connection. */
const HeaderKind = {
  Other: 0,
  Host: 1,
  Expect: 2,
  Connection: 3,
  ContentLength: 4,
  TransferEncoding: 5,
} as const;

/** Lengths beyond this are all the same: too long. Keeps the sum exact. */
const LENGTH_CEILING = 2 ** 48;

/**
 * Goes on parsing at `head.position`, up to `end`. Returns `head.state`: `Body` (the
 * head is complete), `Failed`, or the state in which more bytes are needed.
 */
export function parseHead(
  head: HttpHead,
  bytes: Buffer,
  end: number,
  limits: HttpLimits,
  known: KnownHeads,
): HeadState {
  if (head.position === head.start) known.takeLine(head, bytes, end);
  if (head.state <= HeadState.Version) readRequestLine(head, bytes, end, limits);
  if (head.state > HeadState.Version && head.state < HeadState.HeadLineFeed) {
    if (head.position === head.headersStart) known.takeHeaders(head, bytes, end);
    if (head.state < HeadState.HeadLineFeed) readHeaders(head, bytes, end, limits);
  }
  if (head.state === HeadState.HeadLineFeed) endHead(head, bytes, end, limits);
  if (head.state === HeadState.Body) known.accepted(head);
  return head.state;
}

function fail(head: HttpHead, status: number): void {
  head.status = status;
  head.state = HeadState.Failed;
}

/** Each block completes one part and falls into the next, or stops where the bytes do. */
function readRequestLine(head: HttpHead, bytes: Buffer, end: number, limits: HttpLimits): void {
  if (head.state === HeadState.BeforeRequest) {
    skipEmptyLines(head, bytes, end, limits);
    if (head.state === HeadState.BeforeRequest) return;
  }
  if (head.state === HeadState.MethodName) {
    let position = head.position;
    for (; position < end; position++) if (IS_TOKEN[bytes[position] as number] === 0) break;
    if (position - head.methodStart > limits.methodLengthMax) return fail(head, 501);
    head.position = position;
    if (position === end) return;
    if (bytes[position] !== SPACE) return fail(head, 400);
    head.method = methodOf(bytes, head.methodStart, position);
    head.methodEnd = position;
    head.targetStart = head.position = position + 1;
    head.state = HeadState.Target;
  }
  if (head.state === HeadState.Target) {
    let position = head.position;
    for (; position < end; position++) if (IS_TARGET[bytes[position] as number] === 0) break;
    if (position - head.targetStart > limits.targetLengthMax) return fail(head, 414);
    head.position = position;
    if (position === end) return;
    if (bytes[position] !== SPACE || position === head.targetStart) return fail(head, 400);
    head.targetEnd = position;
    if (bytes[head.targetStart] === SLASH) head.pathStart = head.targetStart;
    else if (!takeOtherTarget(head, bytes)) return fail(head, 400);
    head.position = position + 1;
    head.state = HeadState.Version;
  }
  if (head.state === HeadState.Version) readVersion(head, bytes, end);
}

function skipEmptyLines(head: HttpHead, bytes: Buffer, end: number, limits: HttpLimits): void {
  let position = head.position;
  while (position < end) {
    const byte = bytes[position] as number;
    if (byte !== CR) {
      if (IS_TOKEN[byte] === 0) return fail(head, 400);
      head.methodStart = position;
      head.state = HeadState.MethodName;
      break;
    }
    if (position + 1 >= end) break;
    if (bytes[position + 1] !== LF) return fail(head, 400);
    if (++head.emptyLines > limits.emptyLinesMax) return fail(head, 400);
    position += 2;
  }
  head.position = position;
}

function methodOf(bytes: Buffer, start: number, end: number): Method {
  switch (end - start) {
    case 3:
      if (equalsExactly(bytes, start, end, GET)) return Method.Get;
      return equalsExactly(bytes, start, end, PUT) ? Method.Put : Method.Other;
    case 4:
      if (equalsExactly(bytes, start, end, POST)) return Method.Post;
      return equalsExactly(bytes, start, end, HEAD) ? Method.Head : Method.Other;
    case 5:
      return equalsExactly(bytes, start, end, PATCH) ? Method.Patch : Method.Other;
    case 6:
      return equalsExactly(bytes, start, end, DELETE) ? Method.Delete : Method.Other;
    case 7:
      if (equalsExactly(bytes, start, end, OPTIONS)) return Method.Options;
      return equalsExactly(bytes, start, end, CONNECT) ? Method.Connect : Method.Other;
    default:
      return Method.Other;
  }
}

function readVersion(head: HttpHead, bytes: Buffer, end: number): void {
  const start = head.position;
  // The position stays until the line is complete: it is short, so looking twice costs nothing.
  if (end - start < VERSION_LINE_LENGTH || !isVersionLine(bytes, start)) {
    return refuseVersion(head, bytes, end);
  }
  head.minorVersion = (bytes[start + 7] as number) - ZERO;
  head.headersStart = head.position = start + VERSION_LINE_LENGTH;
  head.state = HeadState.LineStart;
}

/** `HTTP/1.x` and the line end, in one expression: every request has it. */
function isVersionLine(bytes: Buffer, start: number): boolean {
  return (
    bytes[start] === 0x48 &&
    bytes[start + 1] === 0x54 &&
    bytes[start + 2] === 0x54 &&
    bytes[start + 3] === 0x50 &&
    bytes[start + 4] === SLASH &&
    bytes[start + 5] === 0x31 &&
    bytes[start + 6] === 0x2e &&
    (bytes[start + 7] as number) >= ZERO &&
    (bytes[start + 7] as number) <= NINE &&
    bytes[start + 8] === CR &&
    bytes[start + 9] === LF
  );
}

/** Fails at the first byte that cannot be of a version line; without one, the rest is to come. */
function refuseVersion(head: HttpHead, bytes: Buffer, end: number): void {
  const start = head.position;
  const available = Math.min(end - start, VERSION_LINE_LENGTH);
  for (let index = 0; index < available; index++) {
    const byte = bytes[start + index] as number;
    if (index < 7) {
      if (byte === VERSION_PREFIX[index]) continue;
      // `HTTP/2.0` is a version that we do not speak; everything else is no version.
      return fail(head, index === 5 && byte >= ZERO && byte <= NINE ? 505 : 400);
    }
    if (index === 7) {
      if (byte < ZERO || byte > NINE) return fail(head, 400);
    } else if (byte !== (index === 8 ? CR : LF)) return fail(head, 400);
  }
}

/** All header lines in one loop: each block falls into the next, or stops where the bytes do. */
function readHeaders(head: HttpHead, bytes: Buffer, end: number, limits: HttpLimits): void {
  // One byte beyond the limit is looked at, so that reaching it is the same wherever bytes are cut.
  const stop = Math.min(end, head.headersStart + limits.headersLengthMax + 1);
  let position = head.position;
  let state: HeadState = head.state;
  while (position < stop) {
    if (state === HeadState.LineStart) {
      const byte = bytes[position] as number;
      if (byte === CR) {
        position++;
        state = HeadState.HeadLineFeed;
        break;
      }
      // A blank here would be a folded line, a colon a header without a name.
      if (IS_TOKEN[byte] === 0) return fail(head, 400);
      if (++head.headerCount > limits.headerCountMax) return fail(head, 431);
      head.valueStart = position;
      state = HeadState.HeaderName;
    }
    if (state === HeadState.HeaderName) {
      for (; position < stop; position++) if (IS_TOKEN[bytes[position] as number] === 0) break;
      if (position === stop) break;
      if (bytes[position] !== COLON) return fail(head, 400);
      head.headerKind = headerKindOf(bytes, head.valueStart, position);
      position++;
      state = HeadState.HeaderPadding;
    }
    if (state === HeadState.HeaderPadding) {
      for (; position < stop; position++) if (!isBlank(bytes[position] as number)) break;
      if (position === stop) break;
      head.valueStart = position;
      state = HeadState.HeaderValue;
    }
    if (state === HeadState.HeaderValue) {
      for (; position < stop; position++) if (IS_FIELD[bytes[position] as number] === 0) break;
      if (position === stop) break;
      if (bytes[position] !== CR) return fail(head, 400);
      if (head.headerKind !== HeaderKind.Other) {
        noteHeader(head, bytes, position);
        if (head.state === HeadState.Failed) return;
      }
      position++;
      state = HeadState.HeaderLineFeed;
    }
    if (position === stop) break;
    if (bytes[position] !== LF) return fail(head, 400);
    position++;
    state = HeadState.LineStart;
  }
  if (position - head.headersStart > limits.headersLengthMax) return fail(head, 431);
  head.position = position;
  head.state = state;
}

function headerKindOf(bytes: Buffer, start: number, end: number): number {
  switch (end - start) {
    case 4:
      return equalsIgnoringCase(bytes, start, end, HOST) ? HeaderKind.Host : 0;
    case 6:
      return equalsIgnoringCase(bytes, start, end, EXPECT) ? HeaderKind.Expect : 0;
    case 10:
      return equalsIgnoringCase(bytes, start, end, CONNECTION) ? HeaderKind.Connection : 0;
    case 14:
      return equalsIgnoringCase(bytes, start, end, CONTENT_LENGTH) ? HeaderKind.ContentLength : 0;
    case 17:
      return equalsIgnoringCase(bytes, start, end, TRANSFER_ENCODING)
        ? HeaderKind.TransferEncoding
        : 0;
    default:
      return HeaderKind.Other;
  }
}

function noteHeader(head: HttpHead, bytes: Buffer, rawEnd: number): void {
  const start = head.valueStart;
  let end = rawEnd;
  while (end > start && isBlank(bytes[end - 1] as number)) end--;
  switch (head.headerKind) {
    case HeaderKind.Host:
      head.hostCount++;
      head.hostStart = start;
      head.hostEnd = end;
      if (!isHost(bytes, start, end)) fail(head, 400);
      return;
    case HeaderKind.Expect:
      if (equalsIgnoringCase(bytes, start, end, CONTINUE)) head.expectsContinue = true;
      else head.expectsUnknown = true;
      return;
    case HeaderKind.Connection:
      return noteConnection(head, bytes, start, end);
    case HeaderKind.ContentLength:
      return noteContentLength(head, bytes, start, end);
    default:
      return noteTransferEncoding(head, bytes, start, end);
  }
}

/** `chunked`, once, and nothing else; empty elements of the list are none (RFC 9110, 5.6.1.2). */
function noteTransferEncoding(head: HttpHead, bytes: Buffer, start: number, end: number): void {
  head.hasTransferEncoding = true;
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && bytes[to] !== COMMA) to++;
    let last = to;
    while (from < last && isBlank(bytes[from] as number)) from++;
    while (last > from && isBlank(bytes[last - 1] as number)) last--;
    if (from < last) {
      // Chunks must be the last coding that was applied, or the end of the body is unknown.
      if (head.chunked) return fail(head, 400);
      if (!equalsIgnoringCase(bytes, from, last, CHUNKED)) return fail(head, 501);
      head.chunked = true;
    }
    from = to + 1;
  }
}

function noteConnection(head: HttpHead, bytes: Buffer, start: number, end: number): void {
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && bytes[to] !== COMMA) to++;
    let last = to;
    while (from < last && isBlank(bytes[from] as number)) from++;
    while (last > from && isBlank(bytes[last - 1] as number)) last--;
    if (equalsIgnoringCase(bytes, from, last, CLOSE)) head.connectionClose = true;
    else if (equalsIgnoringCase(bytes, from, last, KEEP_ALIVE)) head.connectionKeepAlive = true;
    from = to + 1;
  }
}

function noteContentLength(head: HttpHead, bytes: Buffer, start: number, end: number): void {
  if (start === end) return fail(head, 400);
  let length = 0;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > NINE) return fail(head, 400);
    length = Math.min(length * 10 + (byte - ZERO), LENGTH_CEILING);
  }
  if (head.contentLength !== -1 && head.contentLength !== length) return fail(head, 400);
  head.contentLength = length;
}

function endHead(head: HttpHead, bytes: Buffer, end: number, limits: HttpLimits): void {
  if (head.position === end) return;
  if (bytes[head.position] !== LF) return fail(head, 400);
  head.position++;
  head.headEnd = head.position;
  const modern = head.minorVersion > 0;
  if (head.hostCount > 1 || (modern && head.hostCount === 0)) return fail(head, 400);
  if (head.hasTransferEncoding && (head.contentLength !== -1 || !modern || !head.chunked)) {
    return fail(head, 400);
  }
  if (head.contentLength > limits.bodyLengthMax) return fail(head, 413);
  if (!modern) head.expectsContinue = false;
  else if (head.expectsUnknown) return fail(head, 417);
  head.keepAlive = !head.connectionClose && (modern || head.connectionKeepAlive);
  head.state = HeadState.Body;
}
