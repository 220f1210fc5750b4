/** Who may write to a connection of another loop, and what becomes of it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { prepare } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { connect, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { type Landed, land, landInEach, landMany, telling } from './landing.ts';
import { handlerModule, startLoops } from './pool-rig.ts';

test('broadcast on a view of a server that ends, and has ended, is answered', async (t) => {
  const module = handlerModule('views.ts');
  const first = await startLoops(t, module, { numEventLoop: 2 });
  const second = await startLoops(t, module, { numEventLoop: 2 });
  const listener = await connect(t, first.server.addr);
  const clients: RawClient[] = [];
  for (let one = 0; one < 3; one++) clients.push(await connect(t, second.server.addr));
  for (const client of clients) {
    await client.readExactly(4);
    client.write('broadcast');
  }
  await waitUntil(() => listener.receivedBytes > 4, 'broadcasts arrive');
  await first.server.close();
  for (const client of clients) {
    assert.equal(text(await client.readExactly(25)), 'answered, the last with 0');
  }
});

describe('handles', () => {
  test('the main thread writes to, wakes and closes connections of every loop', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    for (const { client, id } of await landMany(t, server, 4)) {
      const handle = server.conn(id);
      const writes = [handle.write('one '), handle.write(Buffer.from('two '))];
      await Promise.all([...writes, handle.write(prepare('three '))]);
      handle.wake();
      assert.equal(text(await client.readExactly(19)), 'one two three woken');
      handle.close();
      await client.readUntilEnd();
      client.end();
      await waitUntil(() => client.closed, 'closed');
      await assert.rejects(handle.write('late'), { code: 'ErrConnClosed' });
      handle.wake();
      handle.close();
    }
    assert.throws(() => server.conn(2 ** 52), { code: 'ErrConnClosed' });
    assert.throws(() => server.conn(-1), { code: 'ErrConnClosed' });
  });

  test('an id of another server is refused: its bytes must not reach somebody else', async (t) => {
    const rigs = [
      await startLoops(t, telling, { numEventLoop: 2 }),
      await startLoops(t, telling, { numEventLoop: 2 }),
    ];
    for (const [owner, { server }] of rigs.entries()) {
      for (const { id } of await landMany(t, server, 4)) {
        assert.equal(server.conn(id).id, id);
        assert.throws(() => rigs[1 - owner]?.server.conn(id), { code: 'ErrConnClosed' });
      }
    }
  });

  test('a loop writes to connections of others', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const [one, two] = (await landInEach(t, server)) as [Landed, Landed];
    await waitUntil(() => server.countConnections() === 2, 'the others are gone');
    one.client.write(`to ${two.id}`);
    assert.equal(text(await two.client.readExactly(11)), 'from loop 0');
    assert.equal(text(await one.client.readExactly(7)), 'written');
    two.client.end();
    await two.client.readUntilEnd();
    await waitUntil(() => server.countConnections() === 1, 'closed');
    one.client.write(`to ${two.id}`);
    assert.equal(text(await one.client.readExactly(13)), 'ErrConnClosed');
  });

  test('a write of any size arrives whole', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const { client, id } = await land(t, server);
    const handle = server.conn(id);
    for (const size of [0, 1, 16_383, 16_384, 16_385, 65_536, 5_000_000]) {
      const bytes = Buffer.alloc(size, 'abcdefg');
      const written = handle.write(bytes);
      const expected = Buffer.from(bytes);
      bytes.fill(0); // taken at the call
      const received = await client.readExactly(size);
      assert.ok(received.equals(expected), `${size} bytes`);
      await written;
    }
  });

  for (const numEventLoop of [1, 2]) {
    test(`a thread that received a handle, with ${numEventLoop} loops`, async (t) => {
      const { server } = await startLoops(t, telling, { numEventLoop });
      const { client, id } = await land(t, server);
      const thread = new Worker(new URL('./handlers/writes-by-handle.ts', import.meta.url));
      t.after(() => thread.terminate());
      const { port1, port2 } = new MessageChannel();
      t.after(() => port1.close());
      thread.postMessage({ handle: server.conn(id), port: port2 }, [port2]);
      assert.equal(text(await client.readExactly(10)), 'by threadw');
      const answer = new Promise<string>((resolve) => port1.once('message', resolve));
      client.end();
      assert.equal(await answer, 'ErrConnClosed');
    });
  }
});

describe('broadcast of what cannot be sent', () => {
  for (const numEventLoop of [1, 2]) {
    test(`it rejects, and no connection notices, with ${numEventLoop} loops`, async (t) => {
      const module = handlerModule('fixed-frames.ts');
      const { server, reports } = await startLoops(t, module, { numEventLoop });
      const clients: RawClient[] = [];
      for (let count = 0; count < 4; count++) {
        clients.push(await connect(t, server.addr));
        await waitUntil(() => server.countConnections() === count + 1, 'opened');
      }
      const refuse = (data: unknown, code: string): Promise<void> =>
        assert.rejects(server.broadcast(data as string), { code });
      await refuse('seven b', 'ErrInvalidFixedLength');
      await refuse(42, 'ErrInvalidReply');
      await refuse(undefined, 'ErrInvalidReply');
      await refuse(new Uint16Array(4), 'ErrInvalidReply');
      await refuse(() => 1, 'ErrInvalidReply');
      // The same from inside a loop.
      const [asking] = clients as [RawClient];
      for (const [given, answer] of [
        ['seven b', 'ErrInval'],
        ['number', 'ErrInval'],
      ] as const) {
        asking.write(given.padEnd(8));
        assert.equal(text(await asking.readExactly(8)), answer);
      }
      assert.equal(await server.broadcast('8 bytes.'), 4);
      for (const client of clients) assert.equal(text(await client.readExactly(8)), '8 bytes.');
      const prepared = prepare('prepared');
      assert.equal(await server.broadcast(prepared), 4);
      for (const client of clients) assert.equal(text(await client.readExactly(8)), 'prepared');
      await refuse(prepare('seven b'), 'ErrInvalidFixedLength');
      assert.equal(server.countConnections(), 4);
      assert.deepEqual(reports, []);
    });
  }
});
