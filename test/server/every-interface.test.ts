/** An address without a host, on systems that have sockets for both families, and on those that have none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, EchoHandler, startRig, text } from '../support/rig.ts';

test('tcp://:0 is reached by IPv4', async (t) => {
  const { server } = await startRig(t, new EchoHandler(), {}, 'tcp://:0');
  const client = await connect(t, `127.0.0.1:${server.addr.split(':').at(-1)}`);
  client.write('hello');
  assert.equal(text(await client.readExactly(5)), 'hello');
});
