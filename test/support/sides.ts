/** The same server of Node's over node:net and over gnet: what holds on one must hold on the other. */
import { once } from 'node:events';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { attach, type AttachOptions, type ConnectionServer } from 'gnet/stream';
import type { TestScope } from './rig.ts';

export interface Side {
  readonly name: 'node:net' | 'gnet';
  /** Listens on a free port of 127.0.0.1 until the test ends. */
  listen(t: TestScope, server: ConnectionServer & Pick<NetServer, 'close'>): Promise<number>;
}

export const overNodeNet: Side = {
  name: 'node:net',
  async listen(t, server) {
    const listening = server as unknown as NetServer;
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    t.after(() => {
      (server as { closeAllConnections?(): void }).closeAllConnections?.();
      server.close();
    });
    return (listening.address() as AddressInfo).port;
  },
};

export const overGnet: Side = {
  name: 'gnet',
  listen: (t, server) => listenByGnet(t, server),
};

export const sides: readonly Side[] = [overNodeNet, overGnet];

export async function listenByGnet(
  t: TestScope,
  server: ConnectionServer,
  options: AttachOptions = {},
): Promise<number> {
  const running = await attach(server, 'tcp://127.0.0.1:0', options);
  t.after(() => running.close());
  return portOf(running.addr);
}

/** Of `127.0.0.1:9000`. */
export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
