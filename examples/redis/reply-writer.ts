import { ReplyBuffer } from '../lib/reply-buffer.ts';

const LF = 0x0a;
const CR = 0x0d;
const DOLLAR = 0x24;
const STAR = 0x2a;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;

const OK = Buffer.from('+OK\r\n');
const PONG = Buffer.from('+PONG\r\n');
const NIL = Buffer.from('$-1\r\n');
/** Marker, sign, digits of the largest safe integer, line end. */
const NUMBER_LINE_MAX = 1 + 1 + 16 + 2;
const SHORT_VALUE = 64;

/** The answers to the commands of one frame, as RESP2. */
export class ReplyWriter extends ReplyBuffer {
  ok(): void {
    this.append(OK);
  }

  pong(): void {
    this.append(PONG);
  }

  nil(): void {
    this.append(NIL);
  }

  /** `text` without line ends. */
  simple(text: string): void {
    this.appendText(`+${text}\r\n`);
  }

  /** `text` begins with its kind, such as `ERR`; line ends in it become blanks. */
  error(text: string): void {
    this.appendText(`-${text.replace(/[\r\n]/g, ' ')}\r\n`);
  }

  integer(value: number): void {
    this.#numberLine(COLON, value);
  }

  /** `text` is the decimal form of an integer that a number cannot hold exactly. */
  bigInteger(text: string): void {
    this.appendText(`:${text}\r\n`);
  }

  arrayHeader(length: number): void {
    this.#numberLine(STAR, length);
  }

  bulkText(text: string): void {
    this.bulk(Buffer.from(text), 0, Buffer.byteLength(text));
  }

  bulkInteger(value: number): void {
    const text = String(value);
    this.appendText(`$${text.length}\r\n${text}\r\n`);
  }

  /** `source[start..end)` as a bulk string. */
  bulk(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#numberLine(DOLLAR, length);
    if (length > SHORT_VALUE) {
      this.append(source.subarray(start, end));
      this.reserve(2);
    } else {
      this.reserve(length + 2);
      const target = this.bytes;
      let position = this.position;
      for (let index = start; index < end; index++) target[position++] = source[index] as number;
      this.position = position;
    }
    this.#lineEnd(this.position);
  }

  #numberLine(marker: number, value: number): void {
    this.reserve(NUMBER_LINE_MAX);
    const target = this.bytes;
    let position = this.position;
    target[position++] = marker;
    let rest = value;
    if (rest < 0) {
      target[position++] = MINUS;
      rest = -rest;
    }
    if (rest < 10) {
      target[position++] = ZERO + rest;
      return this.#lineEnd(position);
    }
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits++;
    for (let index = position + digits - 1; index >= position; index--) {
      const next = Math.floor(rest / 10);
      target[index] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.#lineEnd(position + digits);
  }

  #lineEnd(position: number): void {
    this.bytes[position] = CR;
    this.bytes[position + 1] = LF;
    this.position = position + 2;
  }
}
