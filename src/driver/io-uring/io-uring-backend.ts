import type { LoopHost } from '../../host/index.ts';
import type { Backend } from '../backend.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createIoUringDriver } from './io-uring-driver.ts';
import { probeIoUring } from './probe.ts';

/** @throws when the kernel lacks something that the driver needs, or forbids it. */
export async function ioUringBackend(hostHere: () => Promise<LoopHost>): Promise<Backend> {
  probeIoUring();
  const host = await hostHere();
  const create = createIoUringDriver;
  return { name: 'io_uring', host, native: nativeCalls, describeSocket, create };
}
