/** Conditions of a request for a file: only if it changed, or only a part of it. */
import { trimBlanks } from './characters.ts';

export interface FileFacts {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly etag: string;
}

export function etagOf(size: number, modified: number): string {
  return `W/"${size.toString(16)}-${Math.floor(modified).toString(16)}"`;
}

function opaque(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

/** In seconds, as HTTP's dates are; NaN for what is none. */
function secondsOf(date: string): number {
  return Math.floor(Date.parse(date) / 1_000);
}

/**
 * Whether it is the version that the client insists on (RFC 9110, 13.1.1 and 13.1.4). Our tags are weak:
 * for this they are never those of the client.
 */
export function isWanted(headers: Headers, file: FileFacts): boolean {
  const wanted = headers.get('if-match');
  if (wanted !== null) return trimBlanks(wanted) === '*';
  const since = headers.get('if-unmodified-since');
  // What is no date is ignored.
  return since === null || !(secondsOf(since) < Math.floor(file.modified / 1_000));
}

/** Whether what the client has is what it would get (RFC 9110, 13.2.2). */
export function isFresh(headers: Headers, file: FileFacts): boolean {
  const known = headers.get('if-none-match');
  if (known !== null) {
    if (trimBlanks(known) === '*') return true;
    return known.split(',').some((one) => opaque(trimBlanks(one)) === opaque(file.etag));
  }
  const since = headers.get('if-modified-since');
  return since !== null && secondsOf(since) >= Math.floor(file.modified / 1_000);
}

export interface Range {
  readonly start: number;
  /** The first byte that is not part of it. */
  readonly end: number;
}

/**
 * The one part that is asked for; null when it is the whole, or several parts, and `'none'` when the
 * file has no such part.
 */
export function rangeOf(headers: Headers, file: FileFacts): Range | 'none' | null {
  const asked = headers.get('range');
  if (asked === null || !isSameFile(headers.get('if-range'), file)) return null;
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(asked);
  if (match === null) return null;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return null;
    const length = Math.min(Number(last), file.size);
    return length === 0 ? 'none' : { start: file.size - length, end: file.size };
  }
  const start = Number(first);
  const end = last === '' ? file.size : Math.min(Number(last) + 1, file.size);
  if (last !== '' && Number(last) < start) return null;
  return start >= file.size ? 'none' : { start, end };
}

/** A part of another version is of no use. Our tags are weak, and do not say enough here. */
function isSameFile(condition: string | null, file: FileFacts): boolean {
  if (condition === null) return true;
  return secondsOf(condition) === Math.floor(file.modified / 1_000);
}
