import type { ReadabilitySource } from '../native/datagrams.ts';
import { eventKind } from './event-tags.ts';
import { type Poller, readable } from './poller.ts';

/** Readability of datagram sockets, as a poller reports it. */
export function datagramSource(poller: Poller): ReadabilitySource {
  return {
    call: poller.controlCall,
    add: (descriptor, id, generation) =>
      poller.add(descriptor, readable, eventKind.datagram + id, generation),
    remove: (descriptor) => poller.remove(descriptor),
  };
}
