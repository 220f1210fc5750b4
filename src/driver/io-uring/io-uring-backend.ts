import { foreignInterface } from '../../ffi/index.ts';
import type { HostFor } from '../../host/index.ts';
import type { Backend } from '../backend.ts';
import { describeSocket } from '../native/describe-socket.ts';
import { nativeCalls } from '../native/native-calls.ts';
import { createIoUringDriver } from './io-uring-driver.ts';
import { probeIoUring } from './probe.ts';

/** @throws when the kernel lacks something that the driver needs, or forbids it. */
export async function ioUringBackend(hostFor: HostFor): Promise<Backend> {
  probeIoUring();
  const host = await hostFor(foreignInterface.name);
  const create = createIoUringDriver;
  return { name: 'io_uring', host, native: nativeCalls, describeSocket, create };
}
