import type { LoopHost } from '../../host/index.ts';
import type { Backend } from '../backend.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { probeLoopback } from '../native/loopback-probe.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createKqueueDriver } from './kqueue.ts';

/** @throws when an echo over the loopback does not work here. */
export async function kqueueBackend(hostHere: () => Promise<LoopHost>): Promise<Backend> {
  const host = await hostHere();
  probeLoopback(createKqueueDriver);
  return { name: 'kqueue', host, native: nativeCalls, describeSocket, create: createKqueueDriver };
}
