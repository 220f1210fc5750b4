import { ReplyBuffer } from '../lib/reply-buffer.ts';

const LF = 0x0a;
const CR = 0x0d;
const PERCENT = 0x25;
const DOLLAR = 0x24;
const STAR = 0x2a;
const MINUS = 0x2d;
const ZERO = 0x30;
const COLON = 0x3a;
const GREATER = 0x3e;
const TILDE = 0x7e;

const OK = Buffer.from('+OK\r\n');
const PONG = Buffer.from('+PONG\r\n');
const NIL = Buffer.from('$-1\r\n');
const NIL_ARRAY = Buffer.from('*-1\r\n');
const NULL = Buffer.from('_\r\n');
/** Marker, sign, digits of the largest safe integer, line end. */
const NUMBER_LINE_MAX = 1 + 1 + 16 + 2;
const SHORT_VALUE = 64;

/**
 * The answers to the commands of one frame, as RESP2 or RESP3. What RESP3 has and RESP2 has not
 * (null, maps, sets, doubles, pushes) goes out as what RESP2 clients expect in its place.
 */
export class ReplyWriter extends ReplyBuffer {
  protocol: 2 | 3 = 2;

  ok(): void {
    this.append(OK);
  }

  pong(): void {
    this.append(PONG);
  }

  /** No value. */
  nil(): void {
    this.append(this.protocol === 3 ? NULL : NIL);
  }

  /** No value where an array would be. */
  nilArray(): void {
    this.append(this.protocol === 3 ? NULL : NIL_ARRAY);
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

  double(value: number): void {
    const text = doubleText(value);
    if (this.protocol === 3) this.appendText(`,${text}\r\n`);
    else this.appendText(`$${text.length}\r\n${text}\r\n`);
  }

  arrayHeader(length: number): void {
    this.#numberLine(STAR, length);
  }

  /** Of `pairs` keys with their values. */
  mapHeader(pairs: number): void {
    if (this.protocol === 3) this.#numberLine(PERCENT, pairs);
    else this.#numberLine(STAR, pairs * 2);
  }

  setHeader(length: number): void {
    this.#numberLine(this.protocol === 3 ? TILDE : STAR, length);
  }

  /** Of a message that answers no command. */
  pushHeader(length: number): void {
    this.#numberLine(this.protocol === 3 ? GREATER : STAR, length);
  }

  bulkText(text: string): void {
    this.bulk(Buffer.from(text), 0, Buffer.byteLength(text));
  }

  /** Of a key: one byte per character. */
  bulkKey(key: string): void {
    this.bulk(Buffer.from(key, 'latin1'), 0, key.length);
  }

  /** A text for people to read. */
  verbatim(text: string): void {
    if (this.protocol === 3) {
      const length = Buffer.byteLength(text) + 4;
      this.append(Buffer.from(`=${length}\r\ntxt:${text}\r\n`));
    } else this.bulkText(text);
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

function doubleText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'inf';
  if (value === Number.NEGATIVE_INFINITY) return '-inf';
  return String(value);
}
