import { foreignInterface } from '../../ffi/index.ts';
import type { HostFor } from '../../host/index.ts';
import type { Backend } from '../backend.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { probeLoopback } from '../native/loopback-probe.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createEpollDriver } from './epoll.ts';

/** @throws when an echo over the loopback does not work here. */
export async function epollBackend(hostFor: HostFor): Promise<Backend> {
  probeLoopback(createEpollDriver);
  const host = await hostFor(foreignInterface.name);
  return { name: 'epoll', host, native: nativeCalls, describeSocket, create: createEpollDriver };
}
