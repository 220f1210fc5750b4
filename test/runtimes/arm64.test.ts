/** Which driver a process on arm64 gets. Run here by qemu, which has no io_uring: see docs/drivers.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from 'gnet';
import { connect, text } from '../support/rig.ts';

const skip = process.arch !== 'arm64' && 'this is not arm64';

test('arm64: epoll serves, and io_uring or the reason why not', { skip }, async (t) => {
  const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', { driver: 'epoll' });
  t.after(() => server.close());
  const client = await connect(t, server.addr);
  client.write('on arm64');
  assert.equal(text(await client.readExactly(8)), 'on arm64');
  const other = await serve({}, 'tcp://127.0.0.1:0', { driver: 'io_uring' }).catch(
    (error: Error) => error,
  );
  if (!(other instanceof Error)) {
    await other.close();
    return;
  }
  assert.match(
    other.message,
    /cannot use io_uring: this kernel has none \(io_uring_setup: ENOSYS\)/,
  );
});

test('arm64: two loops on threads', { skip }, async (t) => {
  const module = new URL('../worker/handlers/echo.ts', import.meta.url);
  const server = await serve(module, 'tcp://127.0.0.1:0', { driver: 'epoll', numEventLoop: 2 });
  t.after(() => server.close());
  const clients = [await connect(t, server.addr), await connect(t, server.addr)];
  for (const client of clients) {
    client.write('either loop');
    assert.equal(text(await client.readExactly(11)), 'either loop');
  }
  assert.deepEqual(
    server.stats().loops.map(({ bytesReceived }) => bytesReceived),
    [11, 11],
  );
  for (const client of clients) client.end();
  assert.deepEqual(await server.stop(), { forced: 0 });
});
