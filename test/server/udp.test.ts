/** Datagrams: one fresh `Conn` each, and an endpoint that nothing brings down. */
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Action, type Conn, ErrConnClosed, type EventHandler } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { noDescriptors, notOn } from '../support/driver.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { assertSameBytes, codeOf, connect, type Rig, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const pattern = new BytePattern(17);
const echo: EventHandler = { react: (frame) => frame };
const local = 'udp://127.0.0.1:0';

describe('a datagram', () => {
  test('every member of its Conn', async (t) => {
    let seen: Conn | null = null;
    const handler: EventHandler = {
      react(frame, c) {
        seen = c;
        assert.equal(text(frame ?? Buffer.alloc(0)), 'datagram');
        assert.equal(c.context, undefined);
        c.context = 'mine';
        assert.equal(c.context, 'mine');
        assert.equal(c.fd, -1);
        assert.equal(typeof c.id, 'number');
        assert.equal(c.bufferLength(), 8);
        assert.equal(text(c.read()), 'datagram');
        assert.equal(text(c.readN(4)), 'data');
        assert.equal(text(c.readN(0)), 'datagram');
        assert.equal(text(c.readN(99)), 'datagram');
        assert.equal(c.byteAt(1), 97);
        assert.equal(c.indexOfByte(0x67, 0), 4);
        assert.equal(c.shiftN(0), 0);
        assert.equal(c.shiftN(4), 4);
        assert.equal(text(c.read()), 'gram');
        c.resetBuffer();
        assert.equal(c.bufferLength(), 0);
        assert.equal(c.read().length, 0);
        for (const nothing of ['wake', 'pauseRead', 'resumeRead', 'end', 'close'] as const) {
          assert.equal(c[nothing](), undefined);
        }
        c.setTimeouts({ idleTimeout: 1 });
        assert.equal(c.outboundBuffered(), 0);
        assert.equal(c.readEnded, false);
        assert.equal(c.sendTo('1'), true);
        assert.equal(c.asyncWrite('2'), true);
        assert.equal(c.writeNoCodec(Buffer.from('3')), true);
        void c.flushWrite('4');
        void assert.rejects(c.upgradeTls({}), { code: 'ErrUnsupportedOp' });
        return '5';
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'datagram');
    for (const answer of ['1', '2', '3', '4', '5']) {
      assert.equal(text(await client.next()), answer);
    }
    const c = seen as unknown as Conn;
    assert.equal(c.remoteAddr, client.address);
    assert.equal(c.localAddr, rig.server.addr);
    assert.equal(`127.0.0.1:${c.remotePort}`, client.address);
    assert.equal(`127.0.0.1:${c.localPort}`, rig.server.addr);
    assert.throws(() => rig.server.conn(c.id), ErrConnClosed);
    assert.equal(rig.server.countConnections(), 0);
    assert.deepEqual(rig.events, ['init'], 'neither onOpened nor onClosed');
    assert.deepEqual(rig.reports, []);
  });

  test('of no bytes is a frame of no bytes, and so is its answer', async (t) => {
    const lengths: (number | undefined)[] = [];
    const handler: EventHandler = {
      react(frame) {
        lengths.push(frame?.length);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, '');
    assert.equal((await client.next()).length, 0);
    await client.send(rig.server.addr, 'x');
    assert.equal(text(await client.next()), 'x');
    assert.deepEqual(lengths, [0, 1]);
  });

  test('an answer of nothing sends nothing, an empty one an empty datagram', async (t) => {
    const handler: EventHandler = {
      react: (frame) => (String(frame) === 'nothing' ? undefined : ''),
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'nothing');
    await client.send(rig.server.addr, 'empty');
    assert.equal((await client.next()).length, 0);
    await settle(10);
    assert.equal(client.received.length, 0);
  });

  test('is answered later, to its own sender, among others', async (t) => {
    const waiting: Conn[] = [];
    const rig = await startRig(t, { react: (_frame, c) => void waiting.push(c) }, {}, local);
    const clients = await Promise.all(Array.from({ length: 5 }, () => DatagramClient.open(t)));
    for (const client of clients) await client.send(rig.server.addr, 'hello');
    await waitUntil(() => waiting.length === 5, 'the datagrams');
    for (const c of waiting.reverse()) assert.equal(c.sendTo(`for ${c.remoteAddr}`), true);
    for (const client of clients) {
      assert.equal(text(await client.next()), `for ${client.address}`);
    }
    assert.equal(waiting[0]?.read().length, 0, 'its bytes are gone');
  });

  test('is answered with a promise', async (t) => {
    const handler: EventHandler = {
      async react(frame) {
        await settle(5);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'later');
    assert.equal(text(await client.next()), 'later');
  });

  test('has a context of its own, also beside others of the same peer', async (t) => {
    const seen: Conn[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        assert.deepEqual([c.context, c.codecState, c.scanned], [undefined, undefined, 0]);
        c.context = text(frame ?? Buffer.alloc(0));
        c.codecState = c;
        c.scanned = 1;
        seen.push(c);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    for (const sent of ['one', 'two', 'six']) {
      await client.send(rig.server.addr, sent);
      assert.equal(text(await client.next()), sent);
    }
    assert.deepEqual(
      seen.map((c) => c.context),
      ['one', 'two', 'six'],
    );
    assert.equal(new Set(seen).size, 3);
    assert.deepEqual(rig.reports, []);
  });

  test('keeps its bytes for a promise and while it is retained, outside development too', async (t) => {
    const before = process.env['NODE_ENV'];
    process.env['NODE_ENV'] = 'production';
    const kept: { readonly frame: Buffer; readonly copy: Buffer; readonly release: () => void }[] =
      [];
    const gate = Promise.withResolvers<void>();
    let count = 0;
    const handler: EventHandler = {
      react(frame, c) {
        if (frame === null) return null;
        const kind = count++ % 3;
        if (kind === 0) return frame;
        if (kind === 1) return gate.promise.then(() => frame);
        kept.push({ frame, copy: Buffer.from(frame), release: c.retain(frame) });
        return null;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
    const client = await DatagramClient.open(t);
    const sent = Array.from({ length: 36 }, (_, index) => pattern.slice(index * 4_200, 4_200));
    for (const [index, bytes] of sent.entries()) {
      await client.send(rig.server.addr, bytes);
      if (index % 3 === 0) assertSameBytes(await client.next(), bytes);
      else await waitUntil(() => count > index, 'the datagram');
    }
    for (const { frame, copy } of kept) assertSameBytes(frame, copy);
    gate.resolve();
    for (const [index, bytes] of sent.entries()) {
      if (index % 3 === 1) assertSameBytes(await client.next(), bytes);
    }
    for (const { release } of kept) release();
    await client.send(rig.server.addr, 'after');
    assert.equal(text(await client.next()), 'after');
    assert.deepEqual(rig.reports, []);
  });

  test('longer than readBufferCap is cut, and counted', async (t) => {
    const rig = await startRig(t, echo, { readBufferCap: 1_000 }, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, pattern.slice(0, 3_000));
    assertSameBytes(await client.next(), pattern.slice(0, 1_024));
    await client.send(rig.server.addr, pattern.slice(0, 1_024));
    assertSameBytes(await client.next(), pattern.slice(0, 1_024));
    assert.equal(rig.server.stats().loops[0]?.datagramsTruncated, 1);
  });

  test('of the greatest length goes both ways; a longer one is refused and counted', async (t) => {
    let connection: Conn | null = null;
    const handler: EventHandler = {
      react(frame, c) {
        connection = c;
        // Inside react it is sent with the others of its batch: the count tells.
        c.sendTo(Buffer.alloc(65_508));
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    const longest = pattern.slice(0, 65_507);
    await client.send(rig.server.addr, longest);
    assertSameBytes(await client.next(), longest);
    assert.equal(rig.server.stats().loops[0]?.datagramsDropped, 1);
    assert.equal((connection as unknown as Conn).sendTo(Buffer.alloc(65_508)), false);
    assert.equal((connection as unknown as Conn).sendTo(Buffer.alloc(1_000_000)), false);
    assert.equal(rig.server.stats().loops[0]?.datagramsDropped, 3);
    assert.equal(rig.server.stats().loops[0]?.bytesSent, longest.length, 'what was sent');
  });

  test('preWrite comes once per answer and not for sendTo', async (t) => {
    let calls = 0;
    const handler: EventHandler = {
      preWrite() {
        calls++;
      },
      react(frame, c) {
        c.sendTo('sent');
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'x');
    await client.next();
    await client.next();
    assert.equal(calls, 1);
  });

  test('is answered although preWrite throws: that is in the log', async (t) => {
    const handler: EventHandler = {
      preWrite() {
        throw new Error('thrown by preWrite');
      },
      async react(frame) {
        return frame;
      },
    };
    for (const react of [echo.react, handler.react, () => 'text', () => ['pair', Action.None]]) {
      const rig = await startRig(t, { ...handler, react } as EventHandler, {}, local);
      const client = await DatagramClient.open(t);
      await client.send(rig.server.addr, 'x');
      await client.next();
      assert.deepEqual(
        rig.reports.map(({ message, err }) => `${message}: ${(err as Error).message}`),
        ['preWrite threw: thrown by preWrite'],
      );
    }
  });

  test('a malformed answer sends nothing, as on a stream', async (t) => {
    const malformed = [['hi', 'close'], ['hi', 1, 2], [7, Action.None], ['hi'], [], {}, true];
    for (const reply of malformed) {
      const handler: EventHandler = {
        react: (frame) => (String(frame) === 'fine' ? frame : (reply as never)),
      };
      const rig = await startRig(t, handler, {}, local);
      const client = await DatagramClient.open(t);
      await client.send(rig.server.addr, 'malformed');
      await client.send(rig.server.addr, 'fine');
      assert.equal(text(await client.next()), 'fine', JSON.stringify(reply));
      assert.deepEqual(
        rig.reports.map(({ err }) => codeOf(err)),
        ['ErrInvalidReply'],
      );
    }
  });

  test('whose handler closes its server is not answered, and nothing is wrong', async (t) => {
    let rig: Rig | null = null;
    const handler: EventHandler = {
      react(frame) {
        void rig?.server.close();
        return frame;
      },
    };
    rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'x');
    await rig.server.closed;
    assert.deepEqual(rig.reports, []);
  });
});

describe('a datagram endpoint', () => {
  test('goes on after a handler that throws, rejects or answers nonsense', async (t) => {
    const handler: EventHandler = {
      react(frame) {
        const command = String(frame);
        if (command === 'throw') throw new Error('thrown');
        if (command === 'reject') return Promise.reject(new Error('rejected'));
        if (command === 'nonsense') return {} as never;
        if (command === 'promise') return Promise.resolve({} as never);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, local);
    const client = await DatagramClient.open(t);
    for (const command of ['throw', 'reject', 'nonsense', 'promise', 'fine']) {
      await client.send(rig.server.addr, command);
    }
    assert.equal(text(await client.next()), 'fine');
    await waitUntil(() => rig.reports.length === 4, 'four reports');
  });

  test('goes on after an answer that came back as unreachable', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    const client = await DatagramClient.open(t);
    for (let round = 0; round < 3; round++) {
      const gone = await DatagramClient.open(t);
      for (let count = 0; count < 3; count++) await gone.send(rig.server.addr, 'bye');
      gone.close();
      await settle(5);
      await client.send(rig.server.addr, 'hello');
      assert.equal(text(await client.next()), 'hello');
    }
    assert.deepEqual(rig.reports, []);
  });

  test('answers a burst from many senders, each its own', async (t) => {
    const rig = await startRig(t, echo, { socketRecvBuffer: 4_194_304 }, local);
    const clients = await Promise.all(Array.from({ length: 8 }, () => DatagramClient.open(t)));
    const rounds = 25;
    await Promise.all(
      clients.flatMap((client, number) =>
        Array.from({ length: rounds }, (_, round) =>
          client.send(rig.server.addr, pattern.slice(number * 9_999 + round, 100 + round)),
        ),
      ),
    );
    for (const [number, client] of clients.entries()) {
      for (let round = 0; round < rounds; round++) {
        assertSameBytes(await client.next(), pattern.slice(number * 9_999 + round, 100 + round));
      }
    }
  });

  test('is one of several, next to streams, under one handler', async (t) => {
    const handler: EventHandler = { react: (frame, c) => `${c.localAddr} ${frame}` };
    const rig = await startRig(t, handler, {}, [local, 'tcp://127.0.0.1:0', 'udp://127.0.0.1:0']);
    const [first, second, third] = rig.server.addrs as [string, string, string];
    assert.notEqual(first, third);
    const client = await DatagramClient.open(t);
    for (const address of [first, third, first]) {
      await client.send(address, 'hello');
      assert.equal(text(await client.next()), `${address} hello`);
    }
    const stream = await connect(t, second);
    stream.write('hello');
    assert.equal(text(await stream.readExactly(second.length + 6)), `${second} hello`);
  });

  test('udp6 takes IPv6 only; udp on any interface takes both', async (t) => {
    const client4 = await DatagramClient.open(t, 4);
    const client6 = await DatagramClient.open(t, 6);
    const seen: string[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        seen.push(c.remoteAddr);
        return frame;
      },
    };
    const rig = await startRig(t, handler, {}, ['udp6://[::1]:0', 'udp://:0']);
    const port = (address: string | undefined): string => /:(\d+)$/.exec(address ?? '')?.[1] ?? '';
    const [only6, both] = rig.server.addrs.map(port);
    await client6.send(`[::1]:${only6}`, '6');
    assert.equal(text(await client6.next()), '6');
    await client6.send(`[::1]:${both}`, '6');
    assert.equal(text(await client6.next()), '6');
    await client4.send(`127.0.0.1:${both}`, '4');
    assert.equal(text(await client4.next()), '4');
    assert.deepEqual(seen, [client6.address, client6.address, client4.address]);
  });

  test('a port in use is EADDRINUSE, with the address', async (t) => {
    const rig = await startRig(t, echo, {}, local);
    await assert.rejects(startRig(t, echo, {}, `udp://${rig.server.addr}`), {
      code: 'EADDRINUSE',
      syscall: 'bind',
      address: rig.server.addr,
    });
  });

  test('tick sends to a sender it remembers, then shuts down', async (t) => {
    let sender: Conn | null = null;
    let ticks = 0;
    const handler: EventHandler = {
      react(_frame, c) {
        sender = c;
      },
      tick() {
        if (sender === null) return 1;
        ticks++;
        sender.sendTo(`tick ${ticks}`);
        return ticks === 3 ? [1, Action.Shutdown] : 1;
      },
    };
    const rig = await startRig(t, handler, { ticker: true }, local);
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'hello');
    for (const number of [1, 2, 3]) assert.equal(text(await client.next()), `tick ${number}`);
    await rig.server.closed;
    assert.deepEqual(rig.events, ['init', 'shutdown']);
    assert.equal((sender as unknown as Conn).sendTo('late'), false);
    await assert.rejects((sender as unknown as Conn).flushWrite('late'));
  });

  test('dupFd of a server of datagrams only', notOn('node', noDescriptors), async (t) => {
    const rig = await startRig(t, echo, {}, local);
    closeSync(rig.server.dupFd());
  });
});
