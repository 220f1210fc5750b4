import { type Bytes, type Prepared, prepare } from '../index.ts';
import { FIN, headerLength, Opcode, writeHeader } from './frame.ts';

/** One message for many WebSockets: its frame is built once. For servers, which do not mask. */
export class PreparedMessage {
  readonly frame: Prepared;
  readonly payload: Buffer;
  readonly isText: boolean;

  constructor(payload: Buffer, isText: boolean) {
    this.payload = payload;
    this.isText = isText;
    const header = headerLength(payload.length);
    const frame = Buffer.allocUnsafe(header + payload.length);
    const opcode = isText ? Opcode.Text : Opcode.Binary;
    writeHeader(frame, 0, FIN | opcode, payload.length, 0);
    frame.set(payload, header);
    this.frame = prepare(frame);
  }
}

/** Prepares a message for many WebSockets: a string as text, bytes as binary unless `isText`. */
export function prepareMessage(data: Bytes, isText = typeof data === 'string'): PreparedMessage {
  return new PreparedMessage(
    typeof data === 'string' ? Buffer.from(data) : Buffer.from(data),
    isText,
  );
}
