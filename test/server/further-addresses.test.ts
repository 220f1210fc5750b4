/** What a running server is told to listen on, to leave, and to adopt. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, mock, test } from 'node:test';
import { type Conn, LineBasedFrameCodec, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { startClient } from '../support/client-rig.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName, noDescriptors, notOn } from '../support/driver.ts';
import {
  connect,
  EchoHandler,
  freeAddress,
  startRig,
  type TestScope,
  text,
} from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { land, telling } from '../worker/landing.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';

const native = notOn('node', noDescriptors);
const echoModule = new URL('../worker/handlers/echo.ts', import.meta.url);

async function echoes(t: TestScope, address: string): Promise<RawClient> {
  const client = await connect(t, address);
  client.write('hello');
  assert.equal(text(await client.readExactly(5)), 'hello');
  return client;
}

describe('server.listen and server.unlisten', () => {
  for (const transport of ['tcp', 'unix'] as const) {
    test(`${transport}: one more address, and one less`, async (t) => {
      const { server } = await startRig(t, new EchoHandler());
      const first = server.addr;
      const address = await server.listen(freeAddress(t, transport));
      assert.deepEqual(server.addrs, [first, address]);
      const stays = await echoes(t, address);
      await server.unlisten(address);
      assert.deepEqual(server.addrs, [first]);
      await assert.rejects(RawClient.connect(address), (error: NodeJS.ErrnoException) =>
        ['ECONNREFUSED', 'ENOENT'].includes(error.code ?? ''),
      );
      if (transport === 'unix') assert.ok(!existsSync(address));
      stays.write('again');
      assert.equal(text(await stays.readExactly(5)), 'again');
      await echoes(t, first);
      const next = await server.listen(freeAddress(t, transport));
      await echoes(t, next);
    });
  }

  test('datagrams', async (t) => {
    const { server } = await startRig(t, new EchoHandler());
    const address = await server.listen('udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    await client.send(address, 'hello');
    assert.equal(text(await client.next()), 'hello');
    await server.unlisten(`udp://${address}`);
    assert.equal(server.addrs.length, 1);
    assert.equal(await server.listen(`udp://${address}`), address);
    await client.send(address, 'again');
    assert.equal(text(await client.next()), 'again');
  });

  test('what is wrong is said, and nothing changes', async (t) => {
    const { server } = await startRig(t, new EchoHandler());
    const { addr } = server;
    await assert.rejects(server.listen('tcp://nowhere'), { code: 'ErrInvalidNetworkAddress' });
    await assert.rejects(server.listen(`tcp://${addr}`), { code: 'EADDRINUSE' });
    await assert.rejects(server.unlisten('tcp://127.0.0.1:1'), {
      code: 'ErrInvalidNetworkAddress',
    });
    assert.deepEqual(server.addrs, [addr]);
    (await echoes(t, addr)).destroy();
    await server.stop();
    await assert.rejects(server.listen('tcp://:0'), { code: 'ErrServerInShutdown' });
    await assert.rejects(server.unlisten(addr), { code: 'ErrServerInShutdown' });
  });

  for (const reusePort of [false, true]) {
    const listeners = reusePort ? 'a listener each' : 'one listener';
    test(`over several loops with ${listeners}`, async (t) => {
      const { server } = await startLoops(t, echoModule, { numEventLoop: 2, reusePort });
      const address = await server.listen('tcp://127.0.0.1:0');
      for (let count = 0; count < 8; count++) await echoes(t, address);
      await server.unlisten(address);
      await assert.rejects(RawClient.connect(address), { code: 'ECONNREFUSED' });
      const again = await server.listen(`tcp://${address}`);
      assert.equal(again, address);
      for (let count = 0; count < 8; count++) await echoes(t, address);
      await server.unlisten(`tcp://${server.addr}`);
      assert.deepEqual(server.addrs, [address]);
      await echoes(t, address);
      if (driverName === 'node') return;
      // Not the number that the first listener had, which may be anything by now.
      const duplicate = server.dupFd();
      assert.match(readlinkSync(`/proc/self/fd/${duplicate}`), /^socket:/);
      closeSync(duplicate);
    });
  }

  test('dupFd is of the first that is left, and an error when none is', native, async (t) => {
    for (const loops of [1, 2]) {
      const anywhere = ['udp://127.0.0.1:0', 'udp://127.0.0.1:0', 'tcp://127.0.0.1:0'];
      const { server } = await startLoops(t, echoModule, { numEventLoop: loops }, anywhere);
      const [first, second, last] = server.addrs as [string, string, string];
      await server.unlisten(`udp://${first}`);
      closeSync(server.dupFd());
      await server.unlisten(`tcp://${last}`);
      closeSync(server.dupFd());
      await server.unlisten(`udp://${second}`);
      assert.throws(() => server.dupFd(), { code: 'ErrUnsupportedOp', message: /none any more/ });
    }
  });

  test('datagrams over several loops', async (t) => {
    const { server } = await startLoops(t, echoModule, { numEventLoop: 2 });
    const address = await server.listen('udp://127.0.0.1:0');
    const clients = await Promise.all(Array.from({ length: 4 }, () => DatagramClient.open(t)));
    for (const [at, client] of clients.entries()) {
      await client.send(address, `hello ${at}`);
      assert.equal(text(await client.next()), `hello ${at}`);
    }
    await server.unlisten(`udp://${address}`);
    assert.equal(server.addrs.length, 1);
    // Nobody has it any more: whoever asks for it alone gets it.
    const stranger = createSocket('udp4');
    t.after(() => stranger.close());
    stranger.bind({ port: Number(address.split(':')[1]), address: '127.0.0.1', exclusive: true });
    await once(stranger, 'listening');
  });

  test('an address that one of several loops cannot have is open in none', async (t) => {
    const { server } = await startLoops(t, echoModule, { numEventLoop: 2 });
    const stranger = createSocket('udp4');
    t.after(() => stranger.close());
    stranger.bind({ port: 0, address: '127.0.0.1', exclusive: true });
    await once(stranger, 'listening');
    const taken = `udp://127.0.0.1:${stranger.address().port}`;
    await assert.rejects(server.listen(taken), { code: 'EADDRINUSE' });
    assert.equal(server.addrs.length, 1);
    await echoes(t, await server.listen('tcp://127.0.0.1:0'));
  });

  for (const [scheme, numEventLoop, reusePort] of [
    ['tcp', 1, true],
    ['tcp', 2, true],
    ['udp', 1, true],
    ['udp', 2, false],
  ] as const) {
    const how = `${numEventLoop} loop(s), reusePort ${reusePort}`;
    test(`${scheme}: what it has already is in use, ${how}`, async (t) => {
      const options = { numEventLoop, reusePort };
      const { server } = await startLoops(t, echoModule, options, `${scheme}://127.0.0.1:0`);
      const { addr } = server;
      const inUse = { code: 'EADDRINUSE', syscall: 'bind', address: addr, message: /; / };
      await assert.rejects(server.listen(`${scheme}://${addr}`), inUse);
      assert.deepEqual(server.addrs, [addr]);
      // The other scheme has ports of its own.
      const other = scheme === 'tcp' ? 'udp' : 'tcp';
      const further = await server.listen(`${other}://127.0.0.1:0`);
      assert.deepEqual(server.addrs, [addr, further]);
      await server.stop();
      const twice = [`${scheme}://${addr}`, `${scheme}://${addr}`];
      await assert.rejects(startLoops(t, echoModule, options, twice), inUse);
    });
  }

  test('datagrams of several loops share no port with another server unseen', async (t) => {
    const options = { numEventLoop: 2 };
    const { server } = await startLoops(t, echoModule, options, 'udp://127.0.0.1:0');
    const address = `udp://${server.addr}`;
    const inUse = { code: 'EADDRINUSE', address: server.addr };
    await assert.rejects(startLoops(t, echoModule, options, address), inUse);
    const both = { ...options, reusePort: true };
    const { server: sharing } = await startLoops(t, echoModule, both, 'udp://127.0.0.1:0');
    await startLoops(t, echoModule, both, `udp://${sharing.addr}`);
  });

  test('the threads of its loops see where it listens', async (t) => {
    const { server } = await startLoops(t, telling, { numEventLoop: 2 });
    const seen = async (): Promise<string> => {
      client.write('addrs');
      let line = '';
      while (!line.endsWith('\n')) line += text(await client.readExactly(1));
      return line.trimEnd();
    };
    const { client } = await land(t, server);
    const first = server.addr;
    assert.equal(await seen(), first);
    const address = await server.listen('tcp://127.0.0.1:0');
    while ((await seen()) !== `${first} ${address}`);
    await server.unlisten(first);
    while ((await seen()) !== address);
  });

  test('a descriptor has one owner, until it is closed', async (t) => {
    const { duplicateDescriptor } = await import('../../src/syscall/descriptor.ts');
    const listener = createServer().listen(0, '127.0.0.1');
    t.after(() => listener.close());
    await once(listener, 'listening');
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const { server } = await startRig(t, new EchoHandler());
    for (let round = 0; round < 2; round++) {
      const descriptor = `fd://${duplicateDescriptor(fd)}`;
      await server.listen(descriptor);
      const refused = { code: 'ErrInvalidNetworkAddress', message: /belongs to a server/ };
      await assert.rejects(server.listen(descriptor), refused);
      await assert.rejects(serve(new EchoHandler(), descriptor), refused);
      await server.unlisten(descriptor);
    }
  });

  test('a path of several loops belongs to one socket, or the error says why not', async (t) => {
    const { server } = await startLoops(t, echoModule, { numEventLoop: 2, reusePort: true });
    const refused = { code: 'ErrUnsupportedOp', message: /with (?:reusePort and )?several loops/ };
    await assert.rejects(server.listen(freeAddress(t, 'unix')), refused);
  });

  test('a loop that comes back listens there, too', async (t) => {
    const module = handlerModule('dies-slowly.ts');
    const { server } = await startLoops(t, module, { numEventLoop: 2, reusePort: true });
    const address = await server.listen('tcp://127.0.0.1:0');
    const whoAnswers = async (): Promise<{ client: RawClient; loop: string }> => {
      const client = await connect(t, address);
      return { client, loop: text(await client.readExactly(1)) };
    };
    const { client, loop } = await whoAnswers();
    client.write('die');
    await waitUntil(() => client.closed || client.ended, 'the thread is gone');
    for (;;) {
      // Who came to the queue of the dying loop is reset with it.
      const next = await whoAnswers().catch(() => null);
      next?.client.destroy();
      if (next?.loop === loop) break;
    }
  });
});

/** A connection that this process has accepted and that belongs to nobody: its number. */
async function connection(t: TestScope): Promise<{ client: RawClient; descriptor: number }> {
  const { duplicateDescriptor } = await import('../../src/syscall/descriptor.ts');
  const listener = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const { port } = listener.address() as { port: number };
  const client = await connect(t, `127.0.0.1:${port}`);
  const [socket] = await accepted;
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const descriptor = duplicateDescriptor(fd);
  socket.destroy();
  await once(socket, 'close');
  listener.close();
  return { client, descriptor };
}

/** What the methods of the driver of the run stand in. */
async function driverClass(): Promise<{ descriptorOf(slot: number): number }> {
  const folder = '../../src/driver';
  return driverName === 'io_uring'
    ? (await import(`${folder}/io-uring/io-uring-driver.ts`)).IoUringDriver.prototype
    : (await import(`${folder}/readiness/readiness-driver.ts`)).ReadinessDriver.prototype;
}

describe('server.adopt', () => {
  test('a connected socket becomes a connection', async (t) => {
    const handler = new EchoHandler();
    const { server, events } = await startRig(t, handler);
    const { client, descriptor } = await connection(t);
    client.write('hello');
    await server.adopt(descriptor);
    assert.equal(text(await client.readExactly(5)), 'hello');
    assert.equal(handler.connections[0]?.remoteAddr, client.localAddress);
    assert.equal(server.countConnections(), 1);
    client.end();
    await client.readUntilEnd();
    await waitUntil(() => events.length === 3, 'onClosed');
    assert.deepEqual(events, ['init', 'open', 'closed']);
  });

  const loops = notOn('node', noDescriptors);
  test('over several loops', loops, async (t) => {
    const { server } = await startLoops(t, echoModule, { numEventLoop: 2 });
    for (let count = 0; count < 3; count++) {
      const { client, descriptor } = await connection(t);
      await server.adopt(descriptor);
      client.write('hello');
      assert.equal(text(await client.readExactly(5)), 'hello');
    }
  });

  test('what is no connection is refused, and stays its owner’s', async (t) => {
    const { server } = await startRig(t, new EchoHandler());
    const file = openSync(import.meta.filename, 'r');
    await assert.rejects(server.adopt(file), { code: 'ENOTSOCK' });
    await assert.rejects(server.adopt(100_000), { code: 'EBADF' });
    await assert.rejects(server.adopt(-1), { code: 'ErrInvalidOption' });
    const listener = createServer().listen(0, '127.0.0.1');
    t.after(() => listener.close());
    await once(listener, 'listening');
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    await assert.rejects(server.adopt(fd), { code: 'ErrUnsupportedOp' });
    await echoes(t, server.addr);
  });

  test('what the codec option refuses stays its owner’s', async (t) => {
    let isBroken = false;
    const codec = () => {
      if (isBroken) throw new Error('no codec today');
      return new LineBasedFrameCodec();
    };
    const { server } = await startRig(t, new EchoHandler(), { codec });
    const { client, descriptor } = await connection(t);
    isBroken = true;
    const refused = { code: 'ErrUnsupportedOp', message: /the codec option gave no codec/ };
    await assert.rejects(server.adopt(descriptor), refused);
    assert.equal(server.countConnections(), 0);
    isBroken = false;
    await server.adopt(descriptor);
    client.write('hello\n');
    assert.equal(text(await client.readExactly(6)), 'hello\n');
  });

  test(
    'its own ones are known whenever they came, and without looking at all',
    loops,
    async (t) => {
      const numbers: number[] = [];
      const tell = (c: Conn): void => void numbers.push(c.fd);
      const { server } = await startRig(t, { onOpened: tell });
      const { client: dialler } = await startClient(t, { onOpened: tell });
      const isRefused = (descriptor: number): Promise<void> =>
        assert.rejects(server.adopt(descriptor), { message: /a connection of this program's own/ });
      const more = async (): Promise<void> => {
        numbers.length = 0;
        await Promise.all([dialler.dial(server.addr), connect(t, server.addr)]);
        await waitUntil(() => numbers.length === 3, 'all ends are open');
        for (const descriptor of numbers) await isRefused(descriptor);
      };
      await more(); // from now on somebody has asked
      await more();
      await dialler.stop();
      await waitUntil(() => server.countConnections() === 2, 'the dialled ones are gone');
      for (let count = 0; count < 30; count++) await connect(t, server.addr);
      await waitUntil(
        () => server.countConnections() === 32,
        'more come, with numbers that were used',
      );
      const looks = mock.method(await driverClass(), 'descriptorOf').mock;
      t.after(() => looks.restore());
      await isRefused(numbers.at(-1) as number);
      const { descriptor } = await connection(t);
      await server.adopt(descriptor);
      assert.ok(looks.callCount() <= 4, `${looks.callCount()} looks at 32 connections`);
    },
  );

  for (const numEventLoop of [1, 2]) {
    test(`its own connection is refused, and stays, ${numEventLoop} loop(s)`, loops, async (t) => {
      const tells = handlerModule('tells-descriptors.ts');
      const { server } = await startLoops(t, tells, { numEventLoop });
      const { server: other } = await startRig(t, new EchoHandler());
      const client = await connect(t, server.addr);
      const ask = async (): Promise<number> => {
        client.write('?');
        let line = '';
        while (!line.endsWith('\n')) line += text(await client.readExactly(1));
        return Number(line);
      };
      const descriptor = await ask();
      const refused = { code: 'ErrUnsupportedOp', message: /a connection of this program's own/ };
      await assert.rejects(server.adopt(descriptor), refused);
      await assert.rejects(other.adopt(descriptor), refused);
      assert.equal(await ask(), descriptor);
      assert.equal(server.countConnections() + other.countConnections(), 1);
    });
  }
});
