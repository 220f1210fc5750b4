import type { Bytes } from '../index.ts';

/** Longer texts get memory of their own; bytes. */
const scratchBytes = 8_192;
const scratch = Buffer.allocUnsafeSlow(scratchBytes);
/** The beginning of it, as long as the text before was: heads of HTTP are often equally long. */
let view = scratch;

/**
 * The bytes of a text in one of the encodings that a connection takes without a detour; null for the
 * others. A connection sends strings as UTF-8. Use what it returns before the next call.
 */
export function textBytes(text: string, encoding: string | null | undefined): Bytes | null {
  switch (encoding) {
    case undefined:
    case null:
    case 'utf8':
    case 'utf-8':
      return text;
    case 'latin1':
    case 'binary':
    case 'ascii':
      return latin1Bytes(text);
    default:
      return null;
  }
}

function latin1Bytes(text: string): Uint8Array {
  const { length } = text;
  if (length > scratchBytes) return Buffer.from(text, 'latin1');
  scratch.write(text, 0, 'latin1');
  if (view.length !== length) view = scratch.subarray(0, length);
  return view;
}
