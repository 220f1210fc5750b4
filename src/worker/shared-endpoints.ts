/** What every loop of a server listens on by itself. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import type { RemoteLoop } from './remote-loop.ts';

/** With the port that the first loop was given by the kernel. */
export function withPort(endpoint: Endpoint, address: string | undefined): Endpoint {
  if (endpoint.kind === 'unix' || endpoint.port !== 0) return endpoint;
  const port = Number(/:(\d+)$/.exec(address ?? '')?.[1] ?? 0);
  return { ...endpoint, port };
}

/**
 * Adds the sockets of every loop to the lists of their endpoints.
 * @param sharedAt which endpoints of the server they are.
 * @throws ErrUnsupportedOp where one of them cannot be given away.
 */
export function addSocketsOf(
  loops: readonly RemoteLoop[],
  sharedAt: readonly number[],
  sockets: readonly GivenSocket[][],
): void {
  for (const { sockets: own, socketsOf } of loops) {
    if (typeof own === 'string') throw new ErrUnsupportedOp(own);
    for (const [at, socket] of own.entries()) {
      sockets[sharedAt[socketsOf[at] as number] as number]?.push(socket);
    }
  }
}
