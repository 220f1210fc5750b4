/** What every loop of a server listens on by itself. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { Backend, NativeCalls } from '../driver/backend.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import type { RemoteLoop } from './remote-loop.ts';

/** With the port that the first loop was given by the kernel. */
export function withPort(endpoint: Endpoint, address: string | undefined): Endpoint {
  if (endpoint.kind === 'unix' || endpoint.port !== 0) return endpoint;
  const port = Number(/:(\d+)$/.exec(address ?? '')?.[1] ?? 0);
  return { ...endpoint, port };
}

/**
 * Adds the sockets of every loop to the lists of their addresses.
 * @throws ErrUnsupportedOp where one of them cannot be given away.
 */
export function addSocketsOf(
  loops: readonly RemoteLoop[],
  sockets: readonly GivenSocket[][],
): void {
  for (const { sockets: own, socketsOf } of loops) {
    if (typeof own === 'string') throw new ErrUnsupportedOp(own);
    for (const [at, socket] of own.entries()) {
      if (socket !== null) sockets[socketsOf[at] as number]?.push(socket);
    }
  }
}

/** One path, one socket: the kernel would give all connections to the loop that bound last. */
export function refuseUnixReusePort(
  endpoints: readonly Endpoint[],
  backend: Backend,
  reusePort: boolean,
): void {
  const unix = endpoints.find((endpoint) => endpoint.kind === 'unix');
  if (unix?.kind !== 'unix') return;
  if (backend.handsOver === false) {
    throw new ErrUnsupportedOp(
      `cannot listen on unix://${unix.path} with several loops and the driver ${backend.name}: it ` +
        'cannot hand connections to other threads; use one loop, TCP, or another driver',
      { address: unix.path },
    );
  }
  if (!reusePort) return;
  throw new ErrUnsupportedOp(
    `cannot listen on unix://${unix.path} with reusePort and several loops: a path belongs to one ` +
      'socket; leave reusePort out, and connections are spread over the loops all the same',
    { address: unix.path },
  );
}

/** @throws ErrUnsupportedOp where listeners have no descriptors. */
export function requireNative({ native, name }: Backend): NativeCalls {
  if (native !== undefined) return native;
  throw new ErrUnsupportedOp(
    `cannot duplicate the listener: the driver '${name}' has no descriptors; use a native driver for that`,
  );
}
