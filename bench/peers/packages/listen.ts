/** The same program both ways: over node:net, and over connections of gnet. */
import type { Server } from 'node:net';

/** @param side `node` or `gnet` */
export async function listen(server: Server, port: number, side: string): Promise<void> {
  if (side === 'node') {
    server.listen({ host: '127.0.0.1', port, backlog: 4096 });
    return;
  }
  const { attach } = await import('gnet/stream');
  await attach(server, `tcp://127.0.0.1:${port}`, { backlog: 4096 });
}
