import type { CommandBatch } from './command-batch.ts';

const TAB = 0x09;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const SMALL_X = 0x78;

/** What a letter after a backslash stands for, inside double quotes. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/**
 * Splits the line `bytes[start..end)` into arguments, written back to where they stood: an
 * argument is never longer than its text. False when a quote is not closed, or is followed by
 * something other than a blank.
 */
export function splitInline(
  batch: CommandBatch,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  let position = start;
  for (;;) {
    while (position < end && isBlank(bytes[position] as number)) position++;
    if (position >= end) return true;
    position = readArgument(batch, bytes, position, end);
    if (position === -1) return false;
  }
}

/** Returns the position after the argument, or -1. */
function readArgument(batch: CommandBatch, bytes: Buffer, start: number, end: number): number {
  let from = start;
  let to = start;
  while (from < end && !isBlank(bytes[from] as number)) {
    const byte = bytes[from] as number;
    if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
      bytes[to++] = byte;
      from++;
      continue;
    }
    const close = closingQuote(bytes, from + 1, end, byte);
    if (close === -1) return -1;
    if (close + 1 < end && !isBlank(bytes[close + 1] as number)) return -1;
    to = unquote(bytes, from + 1, close, byte, to);
    from = close + 1;
  }
  batch.addArgument(start, to);
  return from;
}

function closingQuote(bytes: Buffer, start: number, end: number, quote: number): number {
  let position = start;
  while (position < end) {
    if (bytes[position] === quote) return position;
    const escaped =
      bytes[position] === BACKSLASH &&
      (quote === DOUBLE_QUOTE || bytes[position + 1] === SINGLE_QUOTE);
    position += escaped ? 2 : 1;
  }
  return -1;
}

/** Writes what stands between the quotes to `target` and returns the position after it. */
function unquote(bytes: Buffer, start: number, end: number, quote: number, target: number): number {
  let from = start;
  let to = target;
  while (from < end) {
    const byte = bytes[from] as number;
    const next = bytes[from + 1] as number;
    if (byte !== BACKSLASH || (quote === SINGLE_QUOTE && next !== SINGLE_QUOTE)) {
      bytes[to++] = byte;
      from++;
      continue;
    }
    const code = next === SMALL_X && from + 3 < end ? hexByte(bytes, from + 2) : -1;
    if (quote === DOUBLE_QUOTE && code !== -1) {
      bytes[to++] = code;
      from += 4;
    } else {
      bytes[to++] = quote === DOUBLE_QUOTE ? (ESCAPES.get(next) ?? next) : next;
      from += 2;
    }
  }
  return to;
}

/** The two hexadecimal digits at `position` as a byte, or -1. */
function hexByte(bytes: Buffer, position: number): number {
  const text = bytes.toString('latin1', position, position + 2);
  return /^[0-9a-f]{2}$/i.test(text) ? Number.parseInt(text, 16) : -1;
}

function isBlank(byte: number): boolean {
  return (
    byte === SPACE || byte === TAB || byte === 0 || byte === 0x0b || byte === 0x0c || byte === 0x0d
  );
}
