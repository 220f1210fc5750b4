import { isUtf8 } from 'node:buffer';

export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  ProtocolError: 1002,
  /** Never sent: the other side gave none. */
  None: 1005,
  /** Never sent: there was no goodbye. */
  Abnormal: 1006,
  InvalidText: 1007,
  TooBig: 1009,
  InternalError: 1011,
} as const;

/** Whether a code may stand in a frame (RFC 6455, 7.4). */
export function mayBeSent(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

export function closePayload(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  payload.set(text, 2);
  return payload;
}

/** What a Close frame says; the code that it is refused with when it says nothing valid. */
export function readClose(payload: Buffer): {
  readonly code: number;
  readonly reason: string;
  readonly refusal: number;
} {
  if (payload.length === 0) return { code: CloseCode.None, reason: '', refusal: 0 };
  const code = payload.length >= 2 ? payload.readUInt16BE(0) : 0;
  if (!mayBeSent(code)) return { code, reason: '', refusal: CloseCode.ProtocolError };
  const reason = payload.subarray(2);
  if (!isUtf8(reason)) return { code, reason: '', refusal: CloseCode.InvalidText };
  return { code, reason: reason.toString(), refusal: 0 };
}
