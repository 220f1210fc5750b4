import type { FrameSource, ICodec } from 'gnet/codec';
import { CommandBatch } from './command-batch.ts';
import { splitInline } from './inline.ts';
import {
  ARGUMENTS_MAX,
  BATCH_COMMANDS_MAX,
  BULK_LENGTH_MAX,
  INLINE_LENGTH_MAX,
  LENGTH_DIGITS_MAX,
} from './limits.ts';

const LF = 0x0a;
const CR = 0x0d;
const DOLLAR = 0x24;
const STAR = 0x2a;
const MINUS = 0x2d;
const ZERO = 0x30;

/** Instead of a position: the bytes end before what is read does, or it cannot be right. */
const INCOMPLETE = -1;
const INVALID = -2;

/** In `codecState` of a connection that is told goodbye: what still comes is dropped. */
const ENDED = new CommandBatch();

/**
 * Cuts a stream into frames of one or more whole commands (RESP2 arrays of bulk strings, or inline
 * commands). A frame holds every command that the last read completed; where they stand is in
 * `batch` until the next call of `decode`. An unfinished command waits in `codecState` with the
 * state of its parser, so that bytes are looked at once.
 */
export class RespCodec implements ICodec {
  batch = new CommandBatch();
  /** The length that `#readLength` found. */
  #length = 0;

  encode(_source: FrameSource, bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  /** Nothing more is read from this connection. */
  endStream(source: FrameSource): void {
    source.codecState = ENDED;
  }

  decode(source: FrameSource): Buffer | null {
    const available = source.bufferLength();
    if (available === 0) return null;
    const held = source.codecState as CommandBatch | undefined;
    if (held === ENDED) {
      source.resetBuffer();
      return null;
    }
    if (held !== undefined) {
      if (available < held.needed) return null;
      source.codecState = undefined;
      this.batch = held;
    } else this.batch.clear();

    const bytes = source.read();
    const batch = this.batch;
    batch.bytes = bytes;
    this.#parse(batch, bytes);
    let consumed = batch.commandStart;
    if (batch.protocolError !== null) {
      consumed = bytes.length;
      source.codecState = ENDED;
    } else if (consumed < bytes.length && batch.count < BATCH_COMMANDS_MAX) {
      this.#hold(source, batch);
    }
    if (batch.count === 0 && batch.protocolError === null) {
      if (consumed > 0) source.shiftN(consumed);
      return null;
    }
    const frame = consumed === bytes.length ? bytes : bytes.subarray(0, consumed);
    source.shiftN(consumed);
    batch.isFresh = true;
    return frame;
  }

  #hold(source: FrameSource, batch: CommandBatch): void {
    if (batch.count > 0 || batch.commandStart > 0) source.codecState = batch.splitUnfinished();
    else {
      // Not split again and again while a long command arrives in many pieces.
      source.codecState = batch;
      this.batch = new CommandBatch();
    }
  }

  #parse(batch: CommandBatch, bytes: Buffer): void {
    const end = bytes.length;
    while (batch.protocolError === null) {
      if (batch.argumentsLeft === 0) {
        batch.commandStart = batch.position;
        if (batch.position >= end || batch.count === BATCH_COMMANDS_MAX) return;
        if (bytes[batch.position] !== STAR) {
          if (!this.#readInline(batch, bytes, end)) return;
          continue;
        }
        if (!this.#readHeader(batch, bytes, end)) return;
        if (batch.argumentsLeft === 0) continue;
      }
      if (!this.#readArguments(batch, bytes, end)) return;
    }
  }

  #readHeader(batch: CommandBatch, bytes: Buffer, end: number): boolean {
    const next = this.#readLength(bytes, batch.position + 1, end);
    if (next === INCOMPLETE) return false;
    if (next === INVALID || this.#length > ARGUMENTS_MAX) {
      batch.protocolError = 'invalid multibulk length';
      return false;
    }
    batch.position = next;
    // An array without elements is no command and gets no answer.
    batch.argumentsLeft = Math.max(this.#length, 0);
    return true;
  }

  #readArguments(batch: CommandBatch, bytes: Buffer, end: number): boolean {
    let position = batch.position;
    let left = batch.argumentsLeft;
    while (left > 0) {
      if (position >= end) break;
      if (bytes[position] !== DOLLAR) return this.#wrongMarker(batch, bytes[position] as number);
      const start = this.#readLength(bytes, position + 1, end);
      if (start === INCOMPLETE) break;
      const length = this.#length;
      if (start === INVALID || length < 0 || length > BULK_LENGTH_MAX) {
        batch.protocolError = 'invalid bulk length';
        return false;
      }
      const stop = start + length;
      if (stop + 2 > end) {
        batch.needed = stop + 2;
        break;
      }
      if (bytes[stop] !== CR || bytes[stop + 1] !== LF) {
        batch.protocolError = 'a bulk string is longer than its length says';
        return false;
      }
      batch.addArgument(start, stop);
      position = stop + 2;
      left--;
    }
    batch.position = position;
    batch.argumentsLeft = left;
    if (left > 0) return false;
    batch.endCommand();
    return true;
  }

  #wrongMarker(batch: CommandBatch, byte: number): false {
    batch.protocolError = `expected '$', got '${String.fromCharCode(byte)}'`;
    return false;
  }

  /** Reads `123\r\n` at `start`; returns the position after it. */
  #readLength(bytes: Buffer, start: number, end: number): number {
    let position = start;
    const negative = position < end && bytes[position] === MINUS;
    if (negative) position++;
    const digits = position;
    let value = 0;
    while (position < end) {
      const digit = (bytes[position] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      position++;
    }
    if (position - digits > LENGTH_DIGITS_MAX) return INVALID;
    if (position === end) return INCOMPLETE;
    if (position === digits || bytes[position] !== CR) return INVALID;
    // A number has one form, or two readers could take it for two.
    if (bytes[digits] === ZERO && (negative || position - digits > 1)) return INVALID;
    if (position + 1 === end) return INCOMPLETE;
    if (bytes[position + 1] !== LF) return INVALID;
    this.#length = negative ? -value : value;
    return position + 2;
  }

  #readInline(batch: CommandBatch, bytes: Buffer, end: number): boolean {
    const start = batch.position;
    const lineEnd = bytes.indexOf(LF, start + batch.searched);
    const length = (lineEnd === -1 ? end : lineEnd + 1) - start;
    if (length > INLINE_LENGTH_MAX) {
      batch.protocolError = 'too big inline request';
      return false;
    }
    if (lineEnd === -1) {
      batch.searched = length;
      return false;
    }
    batch.searched = 0;
    const stop = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    const before = batch.argumentCount;
    if (!splitInline(batch, bytes, start, stop)) {
      batch.protocolError = 'unbalanced quotes in request';
      batch.argumentCount = before;
      return false;
    }
    if (batch.argumentCount > before) batch.endCommand();
    batch.position = lineEnd + 1;
    return true;
  }
}
