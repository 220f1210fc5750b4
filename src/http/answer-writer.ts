import { Frame } from './body-writer.ts';
import { CR, LF, ZERO } from './characters.ts';
import { AnswerState, type Exchange, type HttpServing } from './exchange.ts';
import { headersToSend } from './forwarding.ts';
import { KEPT_HEAD_MAX, KeptHead } from './kept-head.ts';
import { isBodyless, LightResponse, type PlainBody } from './light-response.ts';
import type { ResponseHead } from './response-head.ts';
import { cancel, sendStream, type StreamBody } from './stream-writer.ts';

/** Answers up to this length leave in one piece; bytes. */
const CAPACITY = 64 * 1024;
const TEXT_TYPE_LINE = 'content-type: text/plain;charset=UTF-8\r\n';
const HEAD_END_LENGTH = '\r\n\r\n'.length;
const LENGTH_DIGITS_MAX = 5;
/** What a body may have to follow a head that is kept; bytes. */
const BODY_MAX = CAPACITY - KEPT_HEAD_MAX - LENGTH_DIGITS_MAX - HEAD_END_LENGTH;
/** A UTF-16 unit takes at most three bytes. */
const TEXT_MAX = Math.floor(BODY_MAX / 3);

/** Writes answers: short ones in one piece, in memory that is used again for the next. */
export class AnswerWriter {
  readonly #server: HttpServing;
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  /** The view of the last answer: the next one of that length needs no new one. */
  #view: Buffer = this.#bytes.subarray(0, 0);
  /** Its head stands at the start of the memory. */
  readonly #kept = new KeptHead();

  constructor(server: HttpServing) {
    this.#server = server;
  }

  /** @throws what an answer that cannot be sent is refused with; then nothing was sent. */
  send(exchange: Exchange, response: Response): void {
    const light = LightResponse.isLight(response) ? response : null;
    const body = light === null ? undefined : light.plainBody;
    if (light !== null && body !== undefined && this.#sendLikeLast(exchange, light, body)) return;
    const { head } = this.#server;
    const { status } = response;
    if (!(status >= 200 && status <= 599)) throw notAStatus(status);
    head.begin(status, response.statusText);
    if (light === null || body === undefined) {
      // The runtime's own knows more of its body than anybody else.
      const own = light?.ownStream;
      const stream = own ?? response.body;
      if (stream instanceof ReadableStream && stream.locked) {
        throw new TypeError('Cannot send the body of the response: somebody else reads it');
      }
      if (light === null) head.addAll(headersToSend(response));
      else if (own === undefined) head.addAll(response.headers);
      else light.addHeadersTo(head);
      this.#sendStream(exchange, head, status, stream);
      return;
    }
    light.addHeadersTo(head);
    if (typeof body === 'string') {
      if (!head.hasType && light.hasUntouchedHeaders) head.text += TEXT_TYPE_LINE;
      this.#sendText(exchange, light, head, body);
    } else this.#sendBytes(exchange, light, head, body);
  }

  /** Whether it was, with the head of the last answer. */
  #sendLikeLast(exchange: Exchange, light: LightResponse, body: PlainBody): boolean {
    const isText = typeof body === 'string';
    if (!this.#kept.isOf(exchange, light, isText)) return false;
    const length = isText || body === null ? 0 : body.length;
    if (isText ? body.length > TEXT_MAX : length > BODY_MAX) return false;
    if (isText) this.#write(exchange, this.#putText(body));
    else {
      const start = this.#putLength(length);
      if (body !== null) this.#bytes.set(body, start);
      this.#write(exchange, start + length);
    }
    return true;
  }

  /** The text behind its length, behind the head. Returns where it ends. */
  #putText(text: string): number {
    const bytes = this.#bytes;
    // Mostly it is ASCII: then it is as long as it says.
    const expected = this.#kept.lengthAt + digitsOf(text.length) + HEAD_END_LENGTH;
    const length = bytes.write(text, expected, 'utf8');
    const start = this.#putLength(length);
    if (start !== expected) bytes.write(text, start, 'utf8');
    return start + length;
  }

  /** The length, and what ends the head. Returns where the body begins. */
  #putLength(length: number): number {
    const bytes = this.#bytes;
    const { lengthAt } = this.#kept;
    const end = lengthAt + digitsOf(length);
    let rest = length;
    for (let index = end - 1; index >= lengthAt; index--) {
      bytes[index] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    bytes[end] = bytes[end + 2] = CR;
    bytes[end + 1] = bytes[end + 3] = LF;
    return end + HEAD_END_LENGTH;
  }

  #endHead(exchange: Exchange, head: ResponseHead): void {
    const { connection } = exchange;
    // The handler has begun to read the body: its answer, such as an echo, may depend on it.
    if (exchange.awaitsContinue && exchange.body?.isUsed === true) exchange.sendContinue();
    if (!head.hasDate) head.text += this.#server.dateLine;
    // A client that waits for a continue that never comes may send the body, or not.
    if (head.closes || exchange.awaitsContinue) connection.isLast = true;
    if (connection.isLast) {
      head.text += head.hasUpgrade ? 'Connection: close, Upgrade\r\n' : 'Connection: close\r\n';
    } else if (exchange.minorVersion === 0) head.text += 'Connection: keep-alive\r\n';
    // Who names protocols to switch to must say that this is for the next hop alone (RFC 9110, 7.8).
    else if (head.hasUpgrade) head.text += 'Connection: Upgrade\r\n';
  }

  /** The line for a body of known length, and the empty one. Returns what of the body is sent. */
  #endPlainHead(exchange: Exchange, head: ResponseHead, status: number, length: number): number {
    this.#endHead(exchange, head);
    if (isBodyless(status)) {
      head.text += bodylessEnd(status, head);
      return 0;
    }
    // Of an answer to HEAD the program may know the length and not the body.
    const isKnown = exchange.isHead && length === 0 && isLength(head.length);
    head.text += lengthLine(isKnown ? head.length : length);
    return exchange.isHead ? 0 : length;
  }

  #sendText(exchange: Exchange, light: LightResponse, head: ResponseHead, body: string): void {
    const length = Buffer.byteLength(body);
    const sent = this.#endPlainHead(exchange, head, light.status, length);
    if (head.text.length + sent > CAPACITY) {
      this.#sendLong(exchange, head, sent === 0 ? null : Buffer.from(body));
      return;
    }
    const start = this.#bytes.write(head.text, 0, 'latin1');
    if (sent > 0) this.#bytes.write(body, start, 'utf8');
    this.#kept.keep(exchange, light, true, head);
    this.#write(exchange, start + sent);
  }

  #sendBytes(
    exchange: Exchange,
    light: LightResponse,
    head: ResponseHead,
    body: Uint8Array | null,
  ): void {
    const length = body === null ? 0 : body.length;
    const sent = this.#endPlainHead(exchange, head, light.status, length);
    if (head.text.length + sent > CAPACITY) {
      this.#sendLong(exchange, head, sent === 0 ? null : body);
      return;
    }
    const start = this.#bytes.write(head.text, 0, 'latin1');
    if (sent > 0) this.#bytes.set(body as Uint8Array, start);
    this.#kept.keep(exchange, light, false, head);
    this.#write(exchange, start + sent);
  }

  #write(exchange: Exchange, length: number): void {
    if (this.#view.length !== length) this.#view = this.#bytes.subarray(0, length);
    exchange.connection.conn.writeNoCodec(this.#view);
    exchange.connection.finish(exchange);
  }

  /** What does not fit into the memory for short ones. @param body null when none is sent. */
  #sendLong(exchange: Exchange, head: ResponseHead, body: Uint8Array | null): void {
    if (body === null) {
      exchange.connection.conn.writeNoCodec(Buffer.from(head.text, 'latin1'));
      exchange.connection.finish(exchange);
      return;
    }
    // Of the empty line behind it the writer takes care.
    const framing = { frame: Frame.Length, left: body.length };
    exchange.state = AnswerState.Begun;
    void sendStream(exchange, head.text.slice(0, -2), [body], framing);
  }

  #sendStream(
    exchange: Exchange,
    head: ResponseHead,
    status: number,
    stream: StreamBody | null,
  ): void {
    if (stream === null || isBodyless(status) || exchange.isHead) {
      const left = stream === null ? 0 : -1;
      void cancel(stream);
      this.#sendWithoutBody(exchange, head, status, left);
      return;
    }
    const { minorVersion, connection } = exchange;
    const isKnown = isLength(head.length);
    const isChunked = !isKnown && minorVersion > 0;
    // The end of the connection ends the body.
    if (!isKnown && !isChunked) connection.isLast = true;
    this.#endHead(exchange, head);
    if (isKnown) head.text += `Content-Length: ${head.length}\r\n`;
    const frame = isKnown ? Frame.Length : isChunked ? Frame.Chunks : Frame.End;
    const framing = { frame, left: isKnown ? Number(head.length) : -1 };
    exchange.state = AnswerState.Begun;
    void sendStream(exchange, head.text, stream, framing);
  }

  /** @param length the length of its body; -1 if it is unknown. */
  #sendWithoutBody(exchange: Exchange, head: ResponseHead, status: number, length: number): void {
    this.#endHead(exchange, head);
    if (isBodyless(status)) head.text += bodylessEnd(status, head);
    else if (isLength(head.length)) head.text += lengthLine(head.length);
    else head.text += length >= 0 ? lengthLine(length) : '\r\n';
    if (head.text.length > CAPACITY) this.#sendLong(exchange, head, null);
    else {
      this.#kept.drop();
      this.#write(exchange, this.#bytes.write(head.text, 0, 'latin1'));
    }
  }
}

/** @param length less than 100,000. */
function digitsOf(length: number): number {
  if (length < 100) return length < 10 ? 1 : 2;
  if (length < 10_000) return length < 1_000 ? 3 : 4;
  return LENGTH_DIGITS_MAX;
}

/** What ends the head of an answer that has no body. */
function bodylessEnd(status: number, head: ResponseHead): string {
  // A client waits for a body of the one unless it is told (RFC 9110, 15.3.6).
  if (status === 205) return lengthLine(0);
  return status === 304 && isLength(head.length) ? lengthLine(head.length) : '\r\n';
}

function notAStatus(status: number): RangeError {
  return new RangeError(`Cannot send a response with status ${status}: it must be 200 to 599`);
}

function lengthLine(length: number | string): string {
  return `Content-Length: ${length}\r\n\r\n`;
}

function isLength(text: string): boolean {
  return text !== '' && /^\d{1,15}$/.test(text);
}
