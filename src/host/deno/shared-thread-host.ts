import type { LoopHost } from '../contract.ts';
import { ParkedHost } from '../parked-host.ts';
import { cLibraryName } from '../../ffi/index.ts';

const sleeperCalls = `
const { symbols } = Deno.dlopen(${JSON.stringify(cLibraryName())}, {
  epoll_wait: { parameters: ['i32', 'buffer', 'i32', 'i32'], result: 'i32' },
  close: { parameters: ['i32'], result: 'i32' },
});
const events = new Uint8Array(4096);
const wait = (descriptor, ms) => symbols.epoll_wait(descriptor, events, 64, ms);
const { close } = symbols;
`;

/**
 * The host of this thread under Deno, whose own loop can be asked nothing. Its I/O makes one step in a
 * turn: with a turn of ours for each of its own, what a program fetches would take 50 times as long.
 */
export const sharedThreadHost: LoopHost = new ParkedHost({ sleeperCalls, turnsAfterLong: 16 });
