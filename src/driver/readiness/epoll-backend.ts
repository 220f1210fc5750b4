import type { LoopHost } from '../../host/index.ts';
import type { Backend } from '../backend.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { probeLoopback } from '../native/loopback-probe.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createEpollDriver } from './epoll.ts';

/** @throws when an echo over the loopback does not work here. */
export async function epollBackend(hostHere: () => Promise<LoopHost>): Promise<Backend> {
  probeLoopback(createEpollDriver);
  const host = await hostHere();
  return { name: 'epoll', host, native: nativeCalls, describeSocket, create: createEpollDriver };
}
