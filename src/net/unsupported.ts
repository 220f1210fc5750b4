import { ErrUnsupportedOp } from '../index.ts';

/** Milliseconds from one attempt to the next: see the option `attemptDelay` of `client.dial`. */
const attemptDelayMs = 250;

/** True: all addresses of a name are tried, of both families. */
export function getDefaultAutoSelectFamily(): boolean {
  return true;
}

/** @throws ErrUnsupportedOp for false. */
export function setDefaultAutoSelectFamily(value: boolean): void {
  if (value) return;
  throw new ErrUnsupportedOp(
    'cannot keep to the first address of a name: gnet/net tries all of them; give family, or an address',
  );
}

/** Milliseconds. */
export function getDefaultAutoSelectFamilyAttemptTimeout(): number {
  return attemptDelayMs;
}

/** @throws ErrUnsupportedOp for anything but 250. */
export function setDefaultAutoSelectFamilyAttemptTimeout(ms: number): void {
  if (ms === attemptDelayMs) return;
  throw new ErrUnsupportedOp(
    `cannot wait ${ms} ms for each address: gnet/net waits ${attemptDelayMs} ms; use attemptDelay of client.dial`,
  );
}

/** Here for programs that look for it. */
export class BoundSocket {
  /** @throws ErrUnsupportedOp */
  constructor() {
    throw new ErrUnsupportedOp('cannot bind a socket before it connects: use node:net for it');
  }
}
