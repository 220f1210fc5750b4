import { Frame } from './body-writer.ts';
import { AnswerState, type Exchange, type HttpServing } from './exchange.ts';
import { headersToSend } from './forwarding.ts';
import { isBodyless, LightResponse } from './light-response.ts';
import type { ResponseHead } from './response-head.ts';
import { cancel, sendStream, type StreamBody } from './stream-writer.ts';

/** Answers up to this length leave in one piece; bytes. */
const CAPACITY = 64 * 1024;
const TEXT_TYPE_LINE = 'content-type: text/plain;charset=UTF-8\r\n';

/** Writes answers: short ones in one piece, in memory that is used again for the next. */
export class AnswerWriter {
  readonly #server: HttpServing;
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(CAPACITY);
  /** The view of the last answer: the next one of that length needs no new one. */
  #view: Buffer = this.#bytes.subarray(0, 0);

  constructor(server: HttpServing) {
    this.#server = server;
  }

  /** @throws what an answer that cannot be sent is refused with; then nothing was sent. */
  send(exchange: Exchange, response: Response): void {
    const light = LightResponse.isLight(response) ? response : null;
    const body = light === null ? undefined : light.plainBody;
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
      this.#sendText(exchange, head, status, body);
    } else this.#sendBytes(exchange, head, status, body);
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

  #sendText(exchange: Exchange, head: ResponseHead, status: number, body: string): void {
    const length = Buffer.byteLength(body);
    const sent = this.#endPlainHead(exchange, head, status, length);
    if (head.text.length + sent > CAPACITY) {
      this.#sendLong(exchange, head, sent === 0 ? null : Buffer.from(body));
      return;
    }
    const start = this.#bytes.write(head.text, 0, 'latin1');
    if (sent > 0) this.#bytes.write(body, start, 'utf8');
    this.#write(exchange, start + sent);
  }

  #sendBytes(
    exchange: Exchange,
    head: ResponseHead,
    status: number,
    body: Uint8Array | null,
  ): void {
    const length = body === null ? 0 : body.length;
    const sent = this.#endPlainHead(exchange, head, status, length);
    if (head.text.length + sent > CAPACITY) {
      this.#sendLong(exchange, head, sent === 0 ? null : body);
      return;
    }
    const start = this.#bytes.write(head.text, 0, 'latin1');
    if (sent > 0) this.#bytes.set(body as Uint8Array, start);
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
    else this.#write(exchange, this.#bytes.write(head.text, 0, 'latin1'));
  }
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
