import type { Backend } from '../driver/backend.ts';
import type { Endpoint, SocketOptions } from '../driver/contract.ts';
import { noEvents } from '../driver/no-events.ts';

/**
 * Checks that no other server has the address. Where each loop has its own listener although the
 * program did not set `reusePort`, the kernel would let another server share the address unnoticed.
 * @throws SyscallError EADDRINUSE and the like. Another server may still take the address afterwards.
 */
export async function requireFree(
  backend: Backend,
  endpoint: Endpoint,
  socket: SocketOptions,
): Promise<void> {
  if (socket.reusePort || endpoint.given !== undefined) return;
  if (endpoint.kind === 'unix' || endpoint.port === 0) return;
  const driver = backend.create(noEvents, { readBufferBytes: 4_096, headroomBytes: 0 });
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
