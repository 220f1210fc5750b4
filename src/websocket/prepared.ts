import type { Bytes } from '../index.ts';
import { FIN, headerLength, Opcode, writeHeader } from './frame.ts';

/** One message for many WebSockets: its frame is built once. For servers, which do not mask. */
export class PreparedMessage {
  readonly frame: Buffer;
  readonly payload: Buffer;
  readonly isText: boolean;

  constructor(payload: Buffer, isText: boolean) {
    this.payload = payload;
    this.isText = isText;
    const header = headerLength(payload.length);
    this.frame = Buffer.allocUnsafeSlow(header + payload.length);
    const opcode = isText ? Opcode.Text : Opcode.Binary;
    writeHeader(this.frame, 0, FIN | opcode, payload.length, 0);
    this.frame.set(payload, header);
  }
}

/** Prepares a message for many WebSockets: a string as text, bytes as binary unless `isText`. */
export function prepareMessage(data: Bytes, isText = typeof data === 'string'): PreparedMessage {
  return new PreparedMessage(
    typeof data === 'string' ? Buffer.from(data) : Buffer.from(data),
    isText,
  );
}
