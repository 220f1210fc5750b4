/** Connections that another protocol takes over, and those where that fails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import { switchProtocol } from 'gnet/http';
import { BuiltInFrameCodec } from 'gnet/codec';
import type { TestScope } from '../support/rig.ts';
import { exchange, rawClient, startHttp } from './http-rig.ts';

const text = 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
const upgrade = { upgrade: 'x' };

describe('a switch that fails', () => {
  const takes: Readonly<Record<string, () => void | Promise<void>>> = {
    'take throws': () => {
      throw new Error('it cannot be taken');
    },
    'take rejects': async () => {
      await new Promise(setImmediate);
      throw new Error('it cannot be taken');
    },
  };
  for (const [name, take] of Object.entries(takes)) {
    test(`because ${name} ends its connection`, async (t) => {
      const rig = await startHttp(t, (request) => switchProtocol(request, upgrade, take));
      const client = await rawClient(t, rig);
      client.write(text);
      assert.match(String(await client.readUntilEnd()), /^HTTP\/1\.1 101 (.|\r\n)*\r\n\r\n$/);
      assert.match(String(rig.errors), /it cannot be taken/);
    });
  }

  test('because of a header is a failed answer', async (t) => {
    const headers = { ...upgrade, 'x-y': 'a\x01b' };
    const rig = await startHttp(t, (request) =>
      request.url.endsWith('/next')
        ? new Response('next')
        : switchProtocol(request, headers, () => {}),
    );
    const next = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const reader = await exchange(t, rig, text + next);
    assert.equal(reader.next().status, 500);
    assert.equal(reader.next().body, 'next');
    assert.match(String(rig.errors), /Cannot send the header x-y/);
  });
});

test('a client that cannot switch is told so', async (t) => {
  const rig = await startHttp(t, (request) => switchProtocol(request, upgrade, () => {}));
  const lines = 'Host: a\r\nUpgrade: x\r\nConnection: Upgrade, close\r\n';
  const old = (await exchange(t, rig, `GET / HTTP/1.0\r\n${lines}\r\n`)).next();
  assert.equal(`${old.status} ${old.headers.get('upgrade')}`, '426 x');
  const withBody = `GET / HTTP/1.1\r\n${lines}Content-Length: 1\r\n\r\na`;
  assert.equal((await exchange(t, rig, withBody)).next().status, 400);
  assert.deepEqual(rig.errors, []);
});

describe('what a client sends until the connection has its codec is for that one', () => {
  /** Bytes come back as they are, and the end as an end. */
  function echo(conn: Conn): void {
    conn.setCodec(new BuiltInFrameCodec());
    conn.setHandler({ react: (frame) => frame, onEnd: (c) => c.close() });
  }

  /** A server whose `take` has the connection, and is over only when it is told. */
  async function taken(t: TestScope, isAwaited: boolean) {
    const begun = Promise.withResolvers<Conn>();
    const released = Promise.withResolvers<void>();
    const take = (conn: Conn): void | Promise<void> => {
      // Its own from now on.
      conn.context = 'mine';
      begun.resolve(conn);
      const set = released.promise.then(() => echo(conn));
      if (isAwaited) return set;
    };
    const rig = await startHttp(t, (request) =>
      switchProtocol(request, upgrade, take as (conn: Conn<unknown>) => void),
    );
    const client = await rawClient(t, rig);
    return { rig, client, conn: begun.promise, set: released.resolve };
  }

  const states: Readonly<Record<string, boolean>> = {
    'a take that is at work': true,
    'a take that is over': false,
  };
  for (const [who, isAwaited] of Object.entries(states)) {
    test(`${who}: in order, and then the end`, async (t) => {
      const { rig, client, conn: given, set } = await taken(t, isAwaited);
      client.write(`${text}EARLY`);
      const conn = await given;
      client.write('LATER');
      client.end();
      while (conn.inboundBuffered() < 10) await new Promise(setImmediate);
      set();
      assert.match(
        String(await client.readUntilEnd()),
        /^HTTP\/1\.1 101 (.|\r\n)*\r\n\r\nEARLYLATER$/,
      );
      assert.deepEqual(rig.errors, []);
    });

    test(`${who}: much of it is left in the kernel`, async (t) => {
      const { rig, client, conn: given, set } = await taken(t, isAwaited);
      const much = Buffer.alloc(4 * 1024 * 1024, 'much');
      client.write(text);
      const conn = await given;
      client.write(much);
      client.end();
      const state = async () => (await rig.server.listConnections())[0]?.state;
      while ((await state()) !== 'paused') await new Promise(setImmediate);
      const held = conn.inboundBuffered();
      assert.ok(held > 64 * 1024 && held <= 128 * 1024, `${held}`);
      // What the program pauses, it resumes itself.
      conn.pauseRead();
      set();
      await new Promise(setImmediate);
      assert.equal(await state(), 'paused');
      conn.resumeRead();
      const got = await client.readUntilEnd();
      assert.ok(got.subarray(-much.length).equals(much));
      assert.deepEqual(rig.errors, []);
    });
  }

  test('a handler that comes before its codec is told of the end behind what waits', async (t) => {
    const { rig, client, conn: given } = await taken(t, false);
    client.write(`${text}EARLY`);
    client.end();
    const conn = await given;
    while (!conn.readEnded) await new Promise(setImmediate);
    conn.setHandler({ react: (frame) => frame, onEnd: (c) => c.close() });
    // As often as it takes to be told too early.
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
    conn.setCodec(new BuiltInFrameCodec());
    assert.match(String(await client.readUntilEnd()), /\r\n\r\nEARLY$/);
    assert.deepEqual(rig.errors, []);
  });

  test('a client that goes meanwhile is noticed, and a server that stops does not wait', async (t) => {
    const { rig, client, conn: given } = await taken(t, false);
    client.write(text);
    await given;
    client.reset();
    while ((await rig.server.listConnections()).length > 0) await new Promise(setImmediate);
    const another = await rawClient(t, rig);
    await another.send(text);
    await rig.server.close();
    assert.deepEqual(rig.errors, []);
  });
});
