/** Publishing over loops, threads and processes, to connections and WebSockets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Conn, LineBasedFrameCodec } from 'gnet';
import { topics } from 'gnet/topics';
import { connectWebSocket, type WebSocketConn } from 'gnet/websocket';
import { freePort } from '../support/free-port.ts';
import { missing } from '../support/outside-client.ts';
import { connect, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWs } from '../websocket/ws-rig.ts';
import { broker, listener, reach, startMember } from './topics-rig.ts';

async function member(t: TestScope, ...args: string[]): Promise<string> {
  return (await startMember(t, ...args)).port;
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

const quiet = ['--save', '', '--appendonly', 'no'];

async function startRedis(t: TestScope, port: number) {
  const args = ['--port', String(port), '--bind', '127.0.0.1', ...quiet];
  return broker(t, 'redis-server', args, /Ready to accept/);
}

async function startNats(t: TestScope, port: number) {
  return broker(t, 'nats-server', ['-a', '127.0.0.1', '-p', String(port)], /Server is ready/);
}

for (const [name, program, start] of [
  ['redis', 'redis-server', startRedis],
  ['nats', 'nats-server', startNats],
] as const) {
  test(`over ${name} they reach other processes, once, and again when it was away`, {
    skip: missing(program),
  }, async (t) => {
    const port = await freePort();
    const first = await start(t, port);
    const url = `${name}://127.0.0.1:${port}`;
    const ports = await Promise.all([member(t, '1', url), member(t, '2', url)]);
    const here = await listener(ports[0] as string);
    const there = await Promise.all([listener(ports[1] as string), listener(ports[1] as string)]);
    for (const { subscribe } of there) {
      for (const filter of ['room/1', 'room/+', 'room/1/#', '#']) await subscribe(filter);
    }
    await here.subscribe('room/#');
    await reach(here, there, 'first');
    // Levels that a broker's own names cannot hold, or take for something else.
    const strange = ['room/a.b*>', 'room//x', 'room/%2E', 'room/é', 'room'];
    for (const topic of strange) here.ws.send(`${topic} !${topic}`);
    here.ws.send('room/1 last');
    for (const { heard } of [here, ...there]) {
      await waitUntil(() => heard.at(-1) === 'last', 'the last');
      assert.deepEqual(new Set(heard).size, heard.length, 'nothing comes twice');
      for (const topic of strange) assert.ok(heard.includes(`!${topic}`), topic);
    }
    there[0]?.ws.send('room/2 back');
    for (const { heard } of [here, ...there]) {
      await waitUntil(() => heard.at(-1) === 'back', 'the way back');
    }
    first.kill('SIGKILL');
    await first.ending();
    here.ws.send('room/1 lost for others');
    await waitUntil(() => here.heard.at(-1) === 'lost for others', 'this process goes on');
    await start(t, port);
    await reach(here, there, 'after');
    for (const { heard, ws } of [here, ...there]) {
      assert.deepEqual(new Set(heard).size, heard.length, 'nothing comes twice');
      ws.close();
    }
  });
}
