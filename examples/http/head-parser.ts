/**
 * The head of an HTTP/1.1 request, byte by byte, stopping and going on anywhere. No text is made.
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
import type { HttpLimits } from './limits.ts';
import { type HttpRequest, Method, ParseState } from './request.ts';
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
 * Goes on parsing at `request.position`, up to `end`. Returns `request.state`: `Body` (the
 * head is complete), `Failed`, or the state in which more bytes are needed.
 */
export function parseHead(
  request: HttpRequest,
  bytes: Buffer,
  end: number,
  limits: HttpLimits,
): ParseState {
  if (request.state <= ParseState.Version) readRequestLine(request, bytes, end, limits);
  if (request.state > ParseState.Version && request.state < ParseState.HeadLineFeed) {
    readHeaders(request, bytes, end, limits);
  }
  if (request.state === ParseState.HeadLineFeed) endHead(request, bytes, end, limits);
  return request.state;
}

function fail(request: HttpRequest, status: number): void {
  request.status = status;
  request.state = ParseState.Failed;
}

/** Each block completes one part and falls into the next, or stops where the bytes do. */
function readRequestLine(
  request: HttpRequest,
  bytes: Buffer,
  end: number,
  limits: HttpLimits,
): void {
  if (request.state === ParseState.BeforeRequest) {
    skipEmptyLines(request, bytes, end, limits);
    if (request.state === ParseState.BeforeRequest) return;
  }
  if (request.state === ParseState.MethodName) {
    let position = request.position;
    for (; position < end; position++) if (IS_TOKEN[bytes[position] as number] === 0) break;
    if (position - request.methodStart > limits.methodLengthMax) return fail(request, 501);
    request.position = position;
    if (position === end) return;
    if (bytes[position] !== SPACE) return fail(request, 400);
    request.method = methodOf(bytes, request.methodStart, position);
    request.methodEnd = position;
    request.targetStart = request.position = position + 1;
    request.state = ParseState.Target;
  }
  if (request.state === ParseState.Target) {
    let position = request.position;
    for (; position < end; position++) if (IS_TARGET[bytes[position] as number] === 0) break;
    if (position - request.targetStart > limits.targetLengthMax) return fail(request, 414);
    request.position = position;
    if (position === end) return;
    if (bytes[position] !== SPACE || position === request.targetStart) return fail(request, 400);
    request.targetEnd = position;
    if (bytes[request.targetStart] === SLASH) request.pathStart = request.targetStart;
    else if (!takeOtherTarget(request, bytes)) return fail(request, 400);
    request.position = position + 1;
    request.state = ParseState.Version;
  }
  if (request.state === ParseState.Version) readVersion(request, bytes, end);
}

function skipEmptyLines(
  request: HttpRequest,
  bytes: Buffer,
  end: number,
  limits: HttpLimits,
): void {
  let position = request.position;
  while (position < end) {
    const byte = bytes[position] as number;
    if (byte !== CR) {
      if (IS_TOKEN[byte] === 0) return fail(request, 400);
      request.methodStart = position;
      request.state = ParseState.MethodName;
      break;
    }
    if (position + 1 >= end) break;
    if (bytes[position + 1] !== LF) return fail(request, 400);
    if (++request.emptyLines > limits.emptyLinesMax) return fail(request, 400);
    position += 2;
  }
  request.position = position;
}

function methodOf(bytes: Buffer, start: number, end: number): Method {
  const length = end - start;
  if (length < 3 || length > 4) {
    if (equalsExactly(bytes, start, end, OPTIONS)) return Method.Options;
    return equalsExactly(bytes, start, end, CONNECT) ? Method.Connect : Method.Other;
  }
  const first = bytes[start] as number;
  const second = bytes[start + 1] as number;
  const third = bytes[start + 2] as number;
  if (length === 3) {
    return first === 0x47 && second === 0x45 && third === 0x54 ? Method.Get : Method.Other;
  }
  const fourth = bytes[start + 3] as number;
  if (first === 0x50 && second === 0x4f && third === 0x53 && fourth === 0x54) return Method.Post;
  if (first === 0x48 && second === 0x45 && third === 0x41 && fourth === 0x44) return Method.Head;
  return Method.Other;
}

function readVersion(request: HttpRequest, bytes: Buffer, end: number): void {
  const start = request.position;
  // The position stays until the line is complete: it is short, so looking twice costs nothing.
  if (end - start < VERSION_LINE_LENGTH || !isVersionLine(bytes, start)) {
    return refuseVersion(request, bytes, end);
  }
  request.minorVersion = (bytes[start + 7] as number) - ZERO;
  request.headersStart = request.position = start + VERSION_LINE_LENGTH;
  request.state = ParseState.LineStart;
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
function refuseVersion(request: HttpRequest, bytes: Buffer, end: number): void {
  const start = request.position;
  const available = Math.min(end - start, VERSION_LINE_LENGTH);
  for (let index = 0; index < available; index++) {
    const byte = bytes[start + index] as number;
    if (index < 7) {
      if (byte === VERSION_PREFIX[index]) continue;
      // `HTTP/2.0` is a version that we do not speak; everything else is no version.
      return fail(request, index === 5 && byte >= ZERO && byte <= NINE ? 505 : 400);
    }
    if (index === 7) {
      if (byte < ZERO || byte > NINE) return fail(request, 400);
    } else if (byte !== (index === 8 ? CR : LF)) return fail(request, 400);
  }
}

/** All header lines in one loop: each block falls into the next, or stops where the bytes do. */
function readHeaders(request: HttpRequest, bytes: Buffer, end: number, limits: HttpLimits): void {
  // One byte beyond the limit is looked at, so that reaching it is the same wherever bytes are cut.
  const stop = Math.min(end, request.headersStart + limits.headersLengthMax + 1);
  let position = request.position;
  let state: ParseState = request.state;
  while (position < stop) {
    if (state === ParseState.LineStart) {
      const byte = bytes[position] as number;
      if (byte === CR) {
        position++;
        state = ParseState.HeadLineFeed;
        break;
      }
      // A blank here would be a folded line, a colon a header without a name.
      if (IS_TOKEN[byte] === 0) return fail(request, 400);
      if (++request.headerCount > limits.headerCountMax) return fail(request, 431);
      request.valueStart = position;
      state = ParseState.HeaderName;
    }
    if (state === ParseState.HeaderName) {
      for (; position < stop; position++) if (IS_TOKEN[bytes[position] as number] === 0) break;
      if (position === stop) break;
      if (bytes[position] !== COLON) return fail(request, 400);
      request.headerKind = headerKindOf(bytes, request.valueStart, position);
      position++;
      state = ParseState.HeaderPadding;
    }
    if (state === ParseState.HeaderPadding) {
      for (; position < stop; position++) if (!isBlank(bytes[position] as number)) break;
      if (position === stop) break;
      request.valueStart = position;
      state = ParseState.HeaderValue;
    }
    if (state === ParseState.HeaderValue) {
      for (; position < stop; position++) if (IS_FIELD[bytes[position] as number] === 0) break;
      if (position === stop) break;
      if (bytes[position] !== CR) return fail(request, 400);
      if (request.headerKind !== HeaderKind.Other) {
        noteHeader(request, bytes, position);
        if (request.state === ParseState.Failed) return;
      }
      position++;
      state = ParseState.HeaderLineFeed;
    }
    if (position === stop) break;
    if (bytes[position] !== LF) return fail(request, 400);
    position++;
    state = ParseState.LineStart;
  }
  if (position - request.headersStart > limits.headersLengthMax) return fail(request, 431);
  request.position = position;
  request.state = state;
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

function noteHeader(request: HttpRequest, bytes: Buffer, rawEnd: number): void {
  const start = request.valueStart;
  let end = rawEnd;
  while (end > start && isBlank(bytes[end - 1] as number)) end--;
  switch (request.headerKind) {
    case HeaderKind.Host:
      request.hostCount++;
      if (!isHost(bytes, start, end)) fail(request, 400);
      return;
    case HeaderKind.Expect:
      if (equalsIgnoringCase(bytes, start, end, CONTINUE)) request.expectsContinue = true;
      else request.expectsUnknown = true;
      return;
    case HeaderKind.Connection:
      return noteConnection(request, bytes, start, end);
    case HeaderKind.ContentLength:
      return noteContentLength(request, bytes, start, end);
    default:
      return noteTransferEncoding(request, bytes, start, end);
  }
}

/** `chunked`, once, and nothing else; empty elements of the list are none (RFC 9110, 5.6.1.2). */
function noteTransferEncoding(
  request: HttpRequest,
  bytes: Buffer,
  start: number,
  end: number,
): void {
  request.hasTransferEncoding = true;
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && bytes[to] !== COMMA) to++;
    let last = to;
    while (from < last && isBlank(bytes[from] as number)) from++;
    while (last > from && isBlank(bytes[last - 1] as number)) last--;
    if (from < last) {
      // Chunks must be the last coding that was applied, or the end of the body is unknown.
      if (request.chunked) return fail(request, 400);
      if (!equalsIgnoringCase(bytes, from, last, CHUNKED)) return fail(request, 501);
      request.chunked = true;
    }
    from = to + 1;
  }
}

function noteConnection(request: HttpRequest, bytes: Buffer, start: number, end: number): void {
  let from = start;
  while (from < end) {
    let to = from;
    while (to < end && bytes[to] !== COMMA) to++;
    let last = to;
    while (from < last && isBlank(bytes[from] as number)) from++;
    while (last > from && isBlank(bytes[last - 1] as number)) last--;
    if (equalsIgnoringCase(bytes, from, last, CLOSE)) request.connectionClose = true;
    else if (equalsIgnoringCase(bytes, from, last, KEEP_ALIVE)) request.connectionKeepAlive = true;
    from = to + 1;
  }
}

function noteContentLength(request: HttpRequest, bytes: Buffer, start: number, end: number): void {
  if (start === end) return fail(request, 400);
  let length = 0;
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > NINE) return fail(request, 400);
    length = Math.min(length * 10 + (byte - ZERO), LENGTH_CEILING);
  }
  if (request.contentLength !== -1 && request.contentLength !== length) return fail(request, 400);
  request.contentLength = length;
}

function endHead(request: HttpRequest, bytes: Buffer, end: number, limits: HttpLimits): void {
  if (request.position === end) return;
  if (bytes[request.position] !== LF) return fail(request, 400);
  request.position++;
  request.headEnd = request.position;
  const modern = request.minorVersion > 0;
  if (request.hostCount > 1 || (modern && request.hostCount === 0)) return fail(request, 400);
  if (
    request.hasTransferEncoding &&
    (request.contentLength !== -1 || !modern || !request.chunked)
  ) {
    return fail(request, 400);
  }
  if (request.contentLength > limits.bodyLengthMax) return fail(request, 413);
  if (!modern) request.expectsContinue = false;
  else if (request.expectsUnknown) return fail(request, 417);
  request.keepAlive = !request.connectionClose && (modern || request.connectionKeepAlive);
  request.state = ParseState.Body;
}
