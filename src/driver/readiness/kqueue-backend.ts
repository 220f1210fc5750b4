import { foreignInterface } from '../../ffi/index.ts';
import type { HostFor } from '../../host/index.ts';
import { spreadingOption } from '../../syscall/system-calls.ts';
import type { Backend } from '../backend.ts';
import type { Endpoint } from '../contract.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { probeLoopback } from '../native/loopback-probe.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createKqueueDriver } from './kqueue.ts';

/** @throws when an echo over the loopback does not work here. */
export async function kqueueBackend(hostFor: HostFor): Promise<Backend> {
  const host = await hostFor(foreignInterface.name);
  probeLoopback(createKqueueDriver);
  return {
    name: 'kqueue',
    host,
    native: nativeCalls,
    describeSocket,
    create: createKqueueDriver,
    oneLoopBecause,
  };
}

/** Connections are handed to other loops; of datagrams each loop has a socket. */
function oneLoopBecause(kind: Endpoint['kind']): string | null {
  if (kind !== 'udp' || spreadingOption !== undefined) return null;
  return 'this system gives what comes over several sockets of one port to one of them';
}
