import type { Bytes } from '../index.ts';

/**
 * The bytes of a text in one of the encodings that a connection takes without a detour; null for the
 * others. A connection sends strings as UTF-8, which is the same for ASCII, whatever it is called.
 */
export function textBytes(text: string, encoding: string | undefined): Bytes | null {
  switch (encoding) {
    case undefined:
    case 'utf8':
    case 'utf-8':
      return text;
    case 'latin1':
    case 'binary':
    case 'ascii':
      return Buffer.byteLength(text) === text.length ? text : Buffer.from(text, 'latin1');
    default:
      return null;
  }
}
