/** The UDP example between senders that are honest and some that are not. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { spawnExample } from './spawn-example.ts';

async function bound(port: number, address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

test("examples/echo-udp.ts takes the source's flags, and echoes", async () => {
  const flags = ['--multicore=true', '--reuseport=true', '--loops=2'];
  const example = await spawnExample('examples/echo-udp.ts', flags);
  assert.match(example.line, /loops: 2\)$/);
  const socket = await bound(0, '127.0.0.1');
  for (let count = 0; count < 10; count++) {
    socket.send(`hello ${count}`, example.port, '127.0.0.1');
    const [bytes] = (await once(socket, 'message')) as [Buffer];
    assert.equal(bytes.toString(), `hello ${count}`);
  }
  socket.close();
  assert.equal(await example.stop(), 0);
});

test('examples/echo-udp.ts never answers what may be an answer', async () => {
  const example = await spawnExample('examples/echo-udp.ts', ['--host', '127.0.0.1']);
  // A server of the same kind elsewhere: its answers come from the port that ours has.
  const other = await bound(example.port, '127.0.0.2');
  const honest = await bound(0, '127.0.0.1');
  const received: string[] = [];
  other.on('message', (bytes) => received.push(bytes.toString()));
  other.send('echo', example.port, '127.0.0.1');
  // Datagrams on the loopback keep their order, so the first was dealt with before the second.
  honest.send('hello', example.port, '127.0.0.1');
  await once(honest, 'message');
  honest.send('bye', example.port, '127.0.0.2');
  await once(other, 'message');
  assert.deepEqual(received, ['bye']);
  for (const socket of [other, honest]) socket.close();
  assert.equal(await example.stop(), 0);
});
