/** Publishing over loops, threads and processes, to connections and WebSockets. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { type Conn, LineBasedFrameCodec } from 'gnet';
import { topics } from 'gnet/topics';
import { connectWebSocket, type WebSocketConn } from 'gnet/websocket';
import { missing } from '../support/outside-client.ts';
import { Program, runProgram } from '../support/program.ts';
import { connect, startRig, temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWs } from '../websocket/ws-rig.ts';

/** A client that writes down what it hears. */
async function listener(port: string | number) {
  const heard: string[] = [];
  const ws = await connectWebSocket(`ws://127.0.0.1:${port}`, {
    message: (_ws, data) => void heard.push(String(data)),
  });
  const subscribe = async (filter: string): Promise<void> => {
    const count = heard.length;
    ws.send(`+${filter}`);
    await waitUntil(() => heard.length > count, 'it is subscribed');
    heard.pop();
  };
  return { ws, heard, subscribe };
}

async function member(t: TestScope, ...args: string[]): Promise<string> {
  const program = runProgram(t, 'test/topics/programs/member.ts', args);
  const [port] = await program.line(/port (\d+)/);
  return port as string;
}

describe('topics', () => {
  test('reach connections through their codec, and end with them', async (t) => {
    const hub = topics('lines');
    t.after(() => hub.close());
    const rig = await startRig(
      t,
      {
        react(frame, c) {
          const text = String(frame);
          if (text.startsWith('+')) hub.subscribe(c as Conn<never>, text.slice(1));
          return 'fine';
        },
        onClosed: (c) => hub.leave(c as Conn<never>),
      },
      { codec: new LineBasedFrameCodec() },
    );
    const first = await connect(t, rig);
    const second = await connect(t, rig);
    first.write('+a/b\n+a/+\n');
    second.write('+#\n');
    await first.readExactly('fine\nfine\n'.length);
    await second.readExactly('fine\n'.length);
    assert.equal(hub.count('a/b'), 2);
    assert.equal(hub.publish('a/b', 'one'), 2);
    assert.equal(hub.publish('b', Buffer.from('two')), 1);
    // One message, however many filters match.
    assert.equal((await first.readExactly('one\n'.length)).toString(), 'one\n');
    assert.equal((await second.readExactly('one\ntwo\n'.length)).toString(), 'one\ntwo\n');
    first.destroy();
    await waitUntil(() => hub.count('a/b') === 1, 'it has left');
    assert.throws(() => hub.publish('a/#', ''), TypeError);
  });

  test('reach WebSockets as text and as bytes, one encoding for all', async (t) => {
    const hub = topics('sockets');
    t.after(() => hub.close());
    const rig = await startWs(t, { open: (ws) => hub.subscribe(ws as WebSocketConn<never>, 'x') });
    const seen: string[] = [];
    for (let count = 0; count < 3; count++) {
      await connectWebSocket(rig.url, {
        message: (_ws, data, isText) => void seen.push(`${isText} ${data}`),
      });
    }
    assert.equal(hub.publish('x', 'text'), 3);
    assert.equal(hub.publish('x', Buffer.from('bytes')), 3);
    await waitUntil(() => seen.length === 6, 'all');
    assert.equal(seen.filter((one) => one === 'true text').length, 3);
    assert.equal(seen.filter((one) => one === 'false bytes').length, 3);
  });

  test('a subscriber that is slow misses messages, or is closed, and the others do not', async (t) => {
    for (const slow of ['skip', 'close'] as const) {
      const hub = topics(slow, { slow });
      t.after(() => hub.close());
      const rig = await startRig(
        t,
        {
          onOpened: (c) => hub.subscribe(c as Conn<never>, 'x'),
          onClosed: (c) => hub.leave(c as Conn<never>),
        },
        { highWaterMark: 10_000, lowWaterMark: 1_000, socketSendBuffer: 4_096 },
      );
      const stuck = await connect(t, rig);
      stuck.pauseReading();
      const quick = await connect(t, rig);
      await waitUntil(() => hub.count('x') === 2, 'both');
      const piece = Buffer.alloc(50_000, 'x');
      let published = 0;
      while (slow === 'skip' ? hub.skipped === 0 : hub.count('x') === 2) {
        assert.ok(published < 2_000, 'it is never slow');
        published++;
        hub.publish('x', piece);
        await waitUntil(() => quick.receivedBytes === published * piece.length, 'the quick one');
      }
      assert.equal(hub.count('x'), slow === 'skip' ? 2 : 1);
    }
  });

  test('reach every loop of a server', async (t) => {
    const port = await member(t, '2');
    const all = await Promise.all(Array.from({ length: 4 }, () => listener(port)));
    await Promise.all(all.map(({ subscribe }) => subscribe('news/+')));
    all[0]?.ws.send('news/today hello');
    all[0]?.ws.send('other hello');
    all[0]?.ws.send('news/today again');
    await waitUntil(() => all.every(({ heard }) => heard.length === 2), 'all of them');
    for (const { heard, ws } of all) {
      assert.deepEqual(heard, ['hello', 'again']);
      ws.close();
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

test('over Redis they reach other processes, once', {
  skip: missing('redis-server'),
}, async (t) => {
  const port = await freePort();
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const redis = new Program(t, 'redis-server', options, { cwd: temporaryDirectory(t) });
  await redis.line(/Ready to accept/);
  const url = `redis://127.0.0.1:${port}`;
  const ports = await Promise.all([member(t, '1', url), member(t, '2', url)]);
  const here = await listener(ports[0] as string);
  const there = await Promise.all([listener(ports[1] as string), listener(ports[1] as string)]);
  for (const { subscribe } of there) {
    for (const filter of ['room/1', 'room/+', '#']) await subscribe(filter);
  }
  await here.subscribe('room/#');
  // Until Redis has taken the subscriptions, what is published is lost.
  let count = 0;
  while (there.some(({ heard }) => heard.length === 0) && count < 200) {
    here.ws.send(`room/1 ${count++}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  here.ws.send('room/1 last');
  for (const { heard } of [here, ...there]) {
    await waitUntil(() => heard.at(-1) === 'last', 'the last');
    assert.deepEqual(new Set(heard).size, heard.length, 'nothing comes twice');
  }
  assert.equal(here.heard.length, count + 1);
  there[0]?.ws.send('room/2 back');
  for (const { heard, ws } of [here, ...there]) {
    await waitUntil(() => heard.at(-1) === 'back', 'the way back');
    ws.close();
  }
});
