import type { LoopHost } from '../contract.ts';
import { ParkedHost } from '../parked-host.ts';
import { cLibraryName } from '../../ffi/index.ts';

const sleeperCalls = `
const { dlopen, ptr } = require('bun:ffi');
const { symbols } = dlopen(${JSON.stringify(cLibraryName())}, {
  epoll_wait: { args: ['i32', 'ptr', 'i32', 'i32'], returns: 'i32' },
  close: { args: ['i32'], returns: 'i32' },
});
const events = ptr(new Uint8Array(new ArrayBuffer(4096)));
const wait = (descriptor, ms) => symbols.epoll_wait(descriptor, events, 64, ms);
const { close } = symbols;
`;

/** The host of this thread under Bun, whose own loop does not report its state. */
export const sharedThreadHost: LoopHost = new ParkedHost({ sleeperCalls, turnsAfterLong: 1 });
