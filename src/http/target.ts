/** Hosts, and the forms of a request target that do not begin with a slash. */
import { COLON, HEX_VALUE, NINE, QUESTION_MARK, SLASH, ZERO } from './characters.ts';
import { type HttpHead, Method } from './head.ts';

const STAR = 0x2a;
const PERCENT = 0x25;
const OPEN = 0x5b;
const CLOSE = 0x5d;

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';
/** A registered name or an IPv4 address (RFC 3986, 3.2.2), without percent signs. */
const IS_NAME = tableOf(`${LETTERS}${DIGITS}-._~!$&'()*+,;=`);
/** Between brackets: IPv6 addresses, and versions that are still to be invented. */
const IS_LITERAL = tableOf(`${LETTERS}${DIGITS}-._~!$&'()*+,;=:`);
const IS_LETTER = tableOf(LETTERS);
const IS_SCHEME = tableOf(`${LETTERS}${DIGITS}+-.`);

/** Whether `bytes[start..end)` is a host with or without a port, or nothing at all. */
export function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  let position = start;
  if (bytes[start] === OPEN && start < end) {
    position++;
    while (position < end && IS_LITERAL[bytes[position] as number] === 1) position++;
    if (position === end || bytes[position] !== CLOSE || position === start + 1) return false;
    position++;
  } else {
    for (; position < end; position++) {
      const byte = bytes[position] as number;
      if (IS_NAME[byte] === 1) continue;
      if (byte !== PERCENT || !isHexPair(bytes, position + 1, end)) break;
      position += 2;
    }
  }
  if (position === end) return true;
  // A port without a host names nothing.
  if (bytes[position] !== COLON || position === start) return false;
  return isPort(bytes, position + 1, end);
}

function isHexPair(bytes: Uint8Array, start: number, end: number): boolean {
  if (start + 2 > end) return false;
  return HEX_VALUE[bytes[start] as number] !== 255 && HEX_VALUE[bytes[start + 1] as number] !== 255;
}

/** Digits, or nothing. */
function isPort(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    const byte = bytes[index] as number;
    if (byte < ZERO || byte > NINE) return false;
  }
  return true;
}

/**
 * Whether a target that does not begin with a slash is right for its method: `*` for OPTIONS, a
 * host with a port for CONNECT, a whole URI for every other. Notes where the path begins.
 */
export function takeOtherTarget(head: HttpHead, bytes: Uint8Array): boolean {
  const { targetStart, targetEnd } = head;
  head.pathStart = targetEnd;
  if (bytes[targetStart] === STAR && targetEnd === targetStart + 1) {
    return head.method === Method.Options;
  }
  if (head.method === Method.Connect) return isHostWithPort(bytes, targetStart, targetEnd);
  let position = targetStart;
  if (IS_LETTER[bytes[position] as number] === 0) return false;
  while (position < targetEnd && IS_SCHEME[bytes[position] as number] === 1) position++;
  const authority = position + 3;
  if (authority > targetEnd || bytes[position] !== COLON) return false;
  if (bytes[position + 1] !== SLASH || bytes[position + 2] !== SLASH) return false;
  let path = authority;
  while (path < targetEnd && bytes[path] !== SLASH && bytes[path] !== QUESTION_MARK) path++;
  head.pathStart = path;
  // An empty host names no server, and user names do not belong into requests (RFC 9110, 4.2).
  return path > authority && isHost(bytes, authority, path);
}

function isHostWithPort(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = end;
  while (digits > start && isPort(bytes, digits - 1, digits)) digits--;
  return digits < end && bytes[digits - 1] === COLON && isHost(bytes, start, end);
}
