/** `server.listConnections()`: what a server tells of its open connections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionInfo, ErrInvalidOption, ErrUnsupportedOp } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { connect, EchoHandler, pair, startRig, streamTransports } from '../support/rig.ts';
import { freeAddress, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { land, landInEach, telling } from '../worker/landing.ts';
import { startLoops } from '../worker/pool-rig.ts';

async function echo(client: RawClient, length: number): Promise<void> {
  client.write(Buffer.alloc(length, 'x'));
  await client.readExactly(length);
}

/** One client for each length, which got that much back. */
async function echoed(t: TestScope, address: string, lengths: readonly number[]) {
  const clients: RawClient[] = [];
  for (const length of lengths) {
    const client = await connect(t, address);
    await echo(client, length);
    clients.push(client);
  }
  return clients;
}

/** The server closed its side. */
async function leaves(client: RawClient | undefined): Promise<void> {
  await client?.readUntilEnd();
  client?.destroy();
}

const received = (list: readonly ConnectionInfo[]) => list.map((one) => one.bytesReceived);

for (const transport of streamTransports) {
  test(`each connection with its figures, over ${transport}`, async (t) => {
    const rig = await startRig(t, new EchoHandler(), {}, freeAddress(t, transport));
    const clients = await echoed(t, rig.server.addr, [10, 30, 20]);
    const list = await rig.server.listConnections({ orderBy: 'bytesReceived' });
    assert.deepEqual(received(list), [30, 20, 10]);
    for (const one of list) {
      assert.equal(one.bytesSent, one.bytesReceived);
      assert.deepEqual([one.loop, one.state, one.inboundBuffered], [0, 'open', 0]);
      assert.equal(one.localAddr, rig.server.addr);
      assert.ok(one.remoteAddr !== '' && one.age >= 0);
    }
    assert.equal(new Set(list.map(({ id }) => id)).size, 3);
    assert.deepEqual(received(await rig.server.listConnections({ limit: 2 })).length, 2);
    const [most] = await rig.server.listConnections({ orderBy: 'bytesSent', limit: 1 });
    assert.equal(most?.bytesSent, 30);
    rig.server.conn(most?.id ?? -1).close();
    await leaves(clients[1]);
    await waitUntil(() => rig.server.countConnections() === 2, 'the close');
    const left = await rig.server.listConnections({ orderBy: 'bytesReceived' });
    assert.deepEqual(received(left), [20, 10]);
  });
}

test('every way out counts, large and small, and what a slow reader leaves waits', async (t) => {
  const { rig, c, client } = await pair(t);
  let sent = 0;
  for (const length of [1, 5_000, 200_000]) {
    c.asyncWrite(Buffer.alloc(length));
    c.asyncWrite('ä'.repeat(length));
    sent += 3 * length;
  }
  await client.readExactly(sent);
  const [quiet] = await rig.server.listConnections();
  assert.deepEqual([quiet?.bytesSent, quiet?.outboundBuffered], [sent, 0]);

  client.socket.pause();
  const more = 32 * 1024 * 1024;
  c.asyncWrite(Buffer.alloc(more));
  const [slow] = await rig.server.listConnections({ orderBy: 'outboundBuffered' });
  assert.ok(slow !== undefined && slow.outboundBuffered > 0);
  assert.equal(slow.bytesSent + slow.outboundBuffered, sent + more);
});

test('a connection that reads nothing is paused, and one on its way out is closing', async (t) => {
  const { rig, c, client } = await pair(t);
  c.pauseRead();
  assert.equal((await rig.server.listConnections())[0]?.state, 'paused');
  c.resumeRead();
  c.close();
  await client.readUntilEnd();
  // The client has not ended its side.
  assert.equal((await rig.server.listConnections())[0]?.state, 'closing');
  client.destroy();
});

test('the connections of all loops are in one list', async (t) => {
  const { server } = await startLoops(t, telling, { numEventLoop: 2 });
  const landed = await landInEach(t, server);
  landed.push(await land(t, server), await land(t, server));
  // Those that landed where another one was have left.
  await waitUntil(() => server.countConnections() === landed.length, 'four connections');
  const lengths = [1, 4, 2, 3];
  for (const [at, { client }] of landed.entries()) await echo(client, lengths[at] ?? 0);
  const list = await server.listConnections({ orderBy: 'bytesReceived' });
  assert.deepEqual(received(list), [4, 3, 2, 1]);
  const byLength = lengths.toSorted((a, b) => b - a).map((length) => lengths.indexOf(length));
  assert.deepEqual(
    list.map(({ loop }) => loop),
    byLength.map((at) => landed[at]?.loop),
  );
  const first = list[0] as ConnectionInfo;
  server.conn(first.id).close();
  await leaves(landed[1]?.client);
  await waitUntil(() => server.countConnections() === 3, 'the close');
  for (const { client } of landed) client.destroy();
  await server.stop();
  assert.deepEqual(await server.listConnections(), []);
});

test('wrong options are refused', async (t) => {
  const { server } = await startRig(t, new EchoHandler());
  for (const options of [{ limit: 0 }, { limit: 1.5 }, { orderBy: 'id' }]) {
    await assert.rejects(server.listConnections(options as object), ErrInvalidOption);
  }
});

test('the log level of a running server can be set, unless its logger is of another kind', async (t) => {
  const own = await startRig(t, new EchoHandler());
  assert.equal(own.server.logLevel, undefined);
  assert.throws(() => (own.server.logLevel = 'debug'), ErrUnsupportedOp);
  const pino = { level: 'warn', bindings: () => ({}), debug() {}, info() {}, warn() {} };
  const logger = { ...pino, error() {}, fatal() {} };
  const { server } = await startRig(t, new EchoHandler(), { logger });
  assert.equal(server.logLevel, 'warn');
  server.logLevel = 0;
  assert.deepEqual([server.logLevel, logger.level], ['info', 'info']);
  assert.throws(() => (server.logLevel = 'loud' as 'info'), ErrInvalidOption);
});
