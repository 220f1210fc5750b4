import type { Endpoint, Membership } from '../driver/contract.ts';

/** A request to the datagram endpoints of a loop, from any thread: plain data. */
export type DatagramOrder =
  | { readonly kind: 'send'; readonly to: Endpoint; readonly data: Uint8Array }
  /** For the first loop alone: a datagram to the group is one callback, not one for each loop. */
  | { readonly kind: 'join' | 'leave'; readonly membership: Membership };
