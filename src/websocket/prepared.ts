import { type Bytes, type Prepared, prepare } from '../index.ts';
import { FIN, headerLength, Opcode, writeHeader } from './frame.ts';

/** One message for many WebSockets: its frame is built once. For servers, which do not mask. */
export class PreparedMessage {
  readonly frame: Prepared;
  readonly payload: Buffer;
  readonly isText: boolean;

  constructor(data: Bytes, isText: boolean) {
    this.isText = isText;
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) prepare(data); // which refuses it
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    const header = headerLength(length);
    const frame = Buffer.allocUnsafe(header + length);
    writeHeader(frame, 0, FIN | (isText ? Opcode.Text : Opcode.Binary), length, 0);
    if (typeof data === 'string') frame.write(data, header, 'utf8');
    else frame.set(data, header);
    this.payload = frame.subarray(header);
    this.frame = prepare(frame);
  }
}

/** Prepares a message for many WebSockets: a string as text, bytes as binary unless `isText`. */
export function prepareMessage(data: Bytes, isText = typeof data === 'string'): PreparedMessage {
  return new PreparedMessage(data, isText);
}
