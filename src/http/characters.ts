/**
 * The bytes allowed in each part of an HTTP/1.1 message: tables, because each byte is looked up.
 */

function tableOf(allowed: (byte: number) => boolean): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = allowed(byte) ? 1 : 0;
  return table;
}

const TOKEN_CHARACTERS =
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Methods and header names. */
export const IS_TOKEN = tableOf((byte) => TOKEN_CHARACTERS.includes(String.fromCharCode(byte)));

/** Request targets: visible ASCII without the fragment sign, which never leaves a client. */
export const IS_TARGET = tableOf((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** Header values and chunk extensions: visible characters, space, tab and bytes above ASCII. */
export const IS_FIELD = tableOf((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));

/** Value of a hexadecimal digit, 255 for every other byte. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 255 : value;
});

const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const COMMA = 0x2c;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const QUESTION_MARK = 0x3f;

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/**
 * Without the blanks around it. `trim` takes more than HTTP does, such as the byte 0xa0: a value would
 * mean something else here than to a proxy in front.
 */
export function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Whether `bytes[start..end)` is `expected`, which must be lower case, in any case of letters. */
export function equalsIgnoringCase(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: Uint8Array,
): boolean {
  const length = expected.length;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index++) {
    const byte = bytes[start + index] as number;
    const lowered = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lowered !== expected[index]) return false;
  }
  return true;
}

export function equalsExactly(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: Uint8Array,
): boolean {
  const length = expected.length;
  if (end - start !== length) return false;
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== expected[index]) return false;
  }
  return true;
}
