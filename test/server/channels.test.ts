/** The diagnostics channels of servers and connections: what subscribers hear, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChannelMessages, type Conn, client, LengthFieldBasedFrameCodec } from 'gnet';
import { type RawClient, simulate } from 'gnet/testing';
import { hear } from '../support/hear-channels.ts';
import { codeOf, connect, startRig } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const lives = ['gnet:server.start', 'gnet:server.stop'] as const;
const ends = ['gnet:conn.open', 'gnet:conn.error', 'gnet:conn.close'] as const;

/** The code of the error in a message, if it has one. */
function codeIn(message: object): string {
  const { error } = message as { error?: Error | undefined };
  return error === undefined ? '' : String(codeOf(error));
}

test('a server and a client are told of when they start and when they are down', async (t) => {
  const servers: unknown[] = [];
  const heard = hear(t, lives, (message) => {
    servers.push(message.server);
    return 'result' in message ? `${message.result.forced} ${codeIn(message)}` : '';
  });
  const { server } = await startRig(t, {});
  const dialler = await client({});
  assert.deepEqual(heard, ['server.start', 'server.start']);
  assert.deepEqual(servers, [server, dialler]);
  await dialler.stop();
  await server.stop();
  assert.deepEqual(heard.slice(2), ['server.stop 0', 'server.stop 0']);
  assert.deepEqual(servers.slice(2), [dialler, server]);
});

test('a connection is told of before its first event, and before its last', async (t) => {
  const log: string[] = [];
  const rig = await startRig(t, {
    onOpened: () => void log.push('onOpened'),
    onClosed: () => void log.push('onClosed'),
    react: (frame) => frame,
  });
  const heard = hear(t, ends, (message, name) => {
    log.push(name);
    return codeIn(message);
  });
  const one = await connect(t, rig);
  await waitUntil(() => log.includes('onOpened'), 'it is open');
  one.end();
  await waitUntil(() => log.includes('onClosed'), 'it is closed');
  assert.deepEqual(heard, ['conn.open', 'conn.close']);
  assert.deepEqual(log, ['gnet:conn.open', 'onOpened', 'gnet:conn.close', 'onClosed']);
});

test('a connection that fails is told of twice, with its error', async (t) => {
  const conns: Conn[] = [];
  const heard = hear(t, ends, (message) => {
    conns.push(message.connection);
    return codeIn(message);
  });
  const throwing = (): never => {
    throw new Error('thrown');
  };
  const rig = await startRig(t, { react: throwing }, { closeTimeout: 20 });
  const one = await connect(t, rig);
  one.write('x');
  await waitUntil(() => heard.length === 3, 'it is closed');
  assert.deepEqual(heard, ['conn.open', 'conn.error ErrHandler', 'conn.close ErrHandler']);
  assert.equal(new Set(conns).size, 1);
});

test('a slow reader is told of when it is above the mark, and when it has drained', async (t) => {
  const messages: ChannelMessages['gnet:conn.backpressure'][] = [];
  const heard = hear(t, ['gnet:conn.backpressure'], (message) => {
    messages.push(message);
    return message.state;
  });
  const bytes = 32 * 1024 * 1024;
  const rig = await startRig(
    t,
    { react: (_frame, c: Conn) => void c.asyncWrite(Buffer.alloc(bytes)) },
    { highWaterMark: 65_536, lowWaterMark: 1_024 },
  );
  const one = await connect(t, rig);
  one.pauseReading();
  one.write('x');
  await waitUntil(() => heard.length === 1, 'it is above the mark');
  one.resumeReading();
  await one.readExactly(bytes);
  await waitUntil(() => heard.length === 2, 'it has drained');
  assert.deepEqual(heard, ['conn.backpressure above', 'conn.backpressure drained']);
  const [above, drained] = messages;
  assert.ok(above !== undefined && above.buffered > 65_536);
  assert.ok(drained !== undefined && drained.buffered <= 1_024);
});

test('sessions of datagrams are connections, too', async (t) => {
  const heard = hear(t, ends, codeIn);
  const world = await simulate(
    { react: (frame) => frame as Buffer },
    { address: 'udp://127.0.0.1:0', udpSessions: { idleTimeout: 1_000 } },
  );
  t.after(() => world.close());
  const socket = world.simulation.datagrams();
  socket.send(world.server.addr, 'hello');
  await socket.receive();
  assert.deepEqual(heard, ['conn.open']);
  await world.clock.advance(1_100);
  assert.deepEqual(heard.slice(1), ['conn.error ErrTimeout', 'conn.close ErrTimeout']);
});

test('a listener that rests is told of, and that it goes on', async (t) => {
  const heard = hear(t, ['gnet:accept.rest', 'gnet:accept.resume'], (message) =>
    [message.address, codeIn(message), 'restMs' in message ? message.restMs : ''].join(' '),
  );
  const world = await simulate({}, { logLevel: 'error' });
  t.after(() => world.close());
  const { addr } = world.server;
  world.simulation.descriptorsMax = 1;
  await world.connect();
  await world.settled();
  assert.deepEqual(heard, [`accept.rest ${addr} EMFILE 5`]);
  world.simulation.descriptorsMax = 10;
  await world.clock.advance(5);
  assert.deepEqual(heard.slice(1), [`accept.resume ${addr}`]);
  assert.equal(world.server.countConnections(), 1);
});

/** Frames of so many bytes, with their length in front. */
function framing(): LengthFieldBasedFrameCodec {
  const length = { byteOrder: 'BE', lengthFieldLength: 4, lengthAdjustment: 0 } as const;
  return new LengthFieldBasedFrameCodec(
    { ...length, lengthIncludesLengthFieldLength: false },
    { ...length, lengthFieldOffset: 0, initialBytesToStrip: 4 },
  );
}

/** What a subscriber does when a connection is above its mark; all of the frame goes first, or nothing. */
const doneAbove: Readonly<Record<string, (c: Conn) => void>> = {
  flush: (c) => c.flush(),
  destroy: (c) => c.destroy(),
  asyncWrite: (c) => void c.asyncWrite('more'),
};

for (const [name, act] of Object.entries(doneAbove)) {
  test(`a subscriber that calls ${name} above the mark leaves frames whole`, async (t) => {
    let acted = false;
    hear(t, ['gnet:conn.backpressure'], ({ state, connection }) => {
      if (state === 'above' && !acted) {
        acted = true;
        act(connection);
      }
    });
    const sent = Buffer.alloc(20_000, 'b');
    const rig = await startRig(
      t,
      { react: (_frame, c) => void c.asyncWrite(sent) },
      { codec: framing(), highWaterMark: 1_000, lowWaterMark: 10 },
    );
    const one = await connect(t, rig);
    one.write(Buffer.from('000000017a', 'hex'));
    const got = await one.readExactly(4 + sent.length);
    assert.equal(got.readUInt32BE(), sent.length);
    assert.ok(got.subarray(4).equals(sent));
    assert.ok(acted);
  });
}

test('a subscriber that refills what has drained rests the connection again', async (t) => {
  const bytes = Buffer.alloc(32 * 1024 * 1024);
  let c: Conn | undefined;
  let one: RawClient | undefined;
  let refilled = false;
  let frames = 0;
  hear(t, ['gnet:conn.backpressure'], ({ state, connection }) => {
    if (state !== 'drained' || refilled) return;
    refilled = true;
    one?.pauseReading();
    connection.asyncWrite(bytes);
  });
  const rig = await startRig(t, {
    react(_frame, from) {
      c = from;
      if (frames++ === 0) from.asyncWrite(bytes);
    },
  });
  one = await connect(t, rig);
  one.pauseReading();
  one.write('x');
  await waitUntil(() => (c?.outboundBuffered() ?? 0) > 0, 'it is above the mark');
  one.resumeReading();
  await waitUntil(() => refilled, 'it has drained');
  one.write('y');
  const other = await connect(t, rig);
  other.write('turn');
  await waitUntil(() => frames === 2, 'the turn of another');
  // It came behind: had the first read on, its frame would be there, too.
  await settle();
  assert.equal(frames, 2);
  one.resumeReading();
  await waitUntil(() => frames === 3, 'it reads on');
});
