/**
 * The errno of a call was wrong once in 65 million failing calls. So a stream is given up only when a
 * second call fails, too: SO_ERROR cannot tell, since the first call has taken it away.
 */
import type { Address } from '../../ffi/index.ts';
import { receive, send, sendMessage } from '../../syscall/socket.ts';
import { isPassing } from './errno-sets.ts';

/** As `receive`; the error it returns is about the stream, or passing. */
export function receiveSurely(descriptor: number, address: Address, length: number): number {
  const first = receive(descriptor, address, length);
  if (first >= 0 || isPassing(-first)) return first;
  const second = receive(descriptor, address, length);
  // The end: of a connection whose error the first call has reported.
  return second === 0 ? first : second;
}

/** As `send`, in the same way. */
export function sendSurely(descriptor: number, address: Address, length: number): number {
  const first = send(descriptor, address, length);
  if (first >= 0 || isPassing(-first)) return first;
  const second = send(descriptor, address, length);
  return second >= 0 || isPassing(-second) ? second : first;
}

/** As `sendMessage`, in the same way. */
export function sendMessageSurely(descriptor: number, message: Address): number {
  const first = sendMessage(descriptor, message);
  if (first >= 0 || isPassing(-first)) return first;
  const second = sendMessage(descriptor, message);
  return second >= 0 || isPassing(-second) ? second : first;
}
