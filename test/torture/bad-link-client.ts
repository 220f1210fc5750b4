/**
 * Sends a pattern on several connections over a bad link, and compares every byte that comes back.
 *
 *     bad-link-client.ts tcp | tls CONNECTIONS BYTES SEED
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { BytePattern, PatternCheck } from '../../testing/byte-pattern.ts';

const [transport, ...numbers] = process.argv.slice(2);
const [connections = 1, bytes = 0, seed = 0] = numbers.map(Number);
const { ca = '' } = JSON.parse(process.env['GNET_LAB_TLS'] ?? '{}') as { ca?: string };
const pieceBytes = 65_536;
const server = { host: '10.9.0.1', port: 9_000 };
const attemptsMax = 300;

/** The server may not listen yet. */
async function open(): Promise<Socket> {
  for (let attempt = 1; ; attempt++) {
    const socket = connect(server);
    try {
      await once(socket, 'connect');
      if (transport === 'tcp') return socket;
      const secure = connectTls({ socket, ca, servername: 'localhost' });
      await once(secure, 'secureConnect');
      return secure;
    } catch (error) {
      if (attempt === attemptsMax) throw error;
      await sleep(100);
    }
  }
}

async function writeAll(socket: Socket, pattern: BytePattern): Promise<void> {
  for (let at = 0; at < bytes; at += pieceBytes) {
    const piece = pattern.slice(at, Math.min(pieceBytes, bytes - at));
    if (!socket.write(piece)) await once(socket, 'drain');
  }
}

async function echo(index: number): Promise<void> {
  const pattern = new BytePattern(seed + index);
  const check = new PatternCheck(pattern);
  const socket = await open();
  const closed = once(socket, 'close');
  socket.on('data', (piece: Buffer) => {
    check.add(piece);
    if (check.wrongAt >= 0) socket.destroy(new Error(`a wrong byte at or after ${check.wrongAt}`));
    if (check.bytes === bytes) socket.end();
  });
  await Promise.all([writeAll(socket, pattern), closed]);
  if (check.bytes !== bytes) throw new Error(`${check.bytes} of ${bytes} bytes came back`);
}

await Promise.all(Array.from({ length: connections }, (_, index) => echo(index)));
process.exit();
