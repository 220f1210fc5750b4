import type { Endpoint } from '../driver/contract.ts';

/** What somebody asks of the datagram endpoints of a loop, from whatever thread: plain data. */
export interface DatagramOrder {
  readonly kind: 'send';
  readonly to: Endpoint;
  readonly data: Uint8Array;
}
