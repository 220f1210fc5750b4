import type { Backend } from '../driver/backend.ts';
import type { DriverEvents, Endpoint, SocketOptions } from '../driver/contract.ts';

const nothing = (): void => {};
const deaf: DriverEvents = {
  accepted: nothing,
  acceptRested: nothing,
  received: nothing,
  ended: nothing,
  failed: nothing,
  writable: nothing,
  connected: nothing,
  datagram: nothing,
  datagramFailed: nothing,
};

/**
 * For loops that listen each by itself though the program did not ask for `reusePort`: the kernel would
 * let them share the address with another server, which the program must hear of.
 * @throws SyscallError EADDRINUSE and the like. Somebody may still take the address afterwards.
 */
export async function requireFree(
  backend: Backend,
  endpoint: Endpoint,
  socket: SocketOptions,
): Promise<void> {
  if (socket.reusePort || endpoint.given !== undefined) return;
  if (endpoint.kind === 'unix' || endpoint.port === 0) return;
  const driver = backend.create(deaf, { readBufferBytes: 4_096, headroomBytes: 0 });
  try {
    if (endpoint.kind === 'udp') {
      await driver.prepareEndpoint?.(0, endpoint, socket);
      driver.bind(0, endpoint, socket);
    } else {
      await driver.prepareListener?.(0, endpoint, socket);
      driver.listen(0, endpoint, socket);
    }
  } finally {
    driver.close();
  }
}
