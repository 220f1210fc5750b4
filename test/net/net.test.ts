/** `gnet/net`: a program for node:net with another import. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import nodeNet from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import net, { createServer, Socket } from 'gnet/net';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { temporaryDirectory } from '../support/rig.ts';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { settle } from '../support/wait-until.ts';

/** What both modules have. */
type Module = Pick<typeof nodeNet, 'createServer' | 'connect'>;
const modules: readonly (readonly [string, Module])[] = [
  ['node:net', nodeNet],
  ['gnet/net', net as unknown as Module],
];

async function listening(server: nodeNet.Server, ...where: unknown[]): Promise<number> {
  (server.listen as (...given: unknown[]) => unknown)(...where);
  await once(server, 'listening');
  return (server.address() as nodeNet.AddressInfo).port;
}

async function text(socket: nodeNet.Socket): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

for (const [name, { createServer: create, connect }] of modules) {
  describe(name, () => {
    test('a signal that has aborted: an error, then the end, and nothing is thrown', async () => {
      const socket = connect({ port: 1, host: '127.0.0.1', signal: AbortSignal.abort() } as never);
      const events: string[] = [];
      socket.on('error', (error) => events.push(error.name));
      await new Promise((resolve) => socket.once('close', resolve));
      assert.deepEqual(events, ['AbortError']);
    });

    test('a failure has address, port and errno', async () => {
      const server = create();
      const port = await listening(server, 0, '127.0.0.1');
      const taken = create();
      taken.listen(port, '127.0.0.1');
      const failures = [(await once(taken, 'error'))[0] as NodeJS.ErrnoException];
      server.close();
      await once(server, 'close');
      const socket = connect(port, '127.0.0.1');
      failures.push((await once(socket, 'error'))[0] as NodeJS.ErrnoException);
      const facts = failures.map((failure) => {
        const { code, errno, address, port } = failure as NodeJS.ErrnoException & {
          address: string;
          port: number;
        };
        return [code, Math.sign(errno as number), address, port];
      });
      assert.deepEqual(facts, [
        ['EADDRINUSE', -1, '127.0.0.1', port],
        ['ECONNREFUSED', -1, '127.0.0.1', port],
      ]);
    });

    test('a path wins over a port', async (t) => {
      const path = join(temporaryDirectory(t), 'socket');
      const server = create((socket) => void socket.end('by the path'));
      server.listen(path);
      await once(server, 'listening');
      assert.equal(await text(connect({ path, port: 1 } as never)), 'by the path');
      server.close();
    });

    test('an echo over a port, both ways by pipe', async () => {
      const server = create((socket) => void socket.pipe(socket));
      const port = await listening(server, 0, '127.0.0.1');
      const socket = connect(port, '127.0.0.1');
      const bytes = new BytePattern(1).slice(0, 1_000_000);
      socket.end(bytes);
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      assert.ok(Buffer.concat(parts).equals(bytes));
      await new Promise((resolve) => server.close(resolve));
      assert.equal(server.listening, false);
      assert.equal(server.address(), null);
    });

    test('a path, and options as an object', async (t) => {
      const path = join(temporaryDirectory(t), 'net.sock');
      const server = create({ allowHalfOpen: true }, (socket) => {
        socket.resume().on('end', () => socket.end('bye'));
      });
      server.listen({ path });
      await once(server, 'listening');
      assert.equal(server.address(), path);
      const socket = connect({ path });
      socket.end();
      assert.equal(await text(socket), 'bye');
      await new Promise((resolve) => server.close(resolve));
    });

    test('close waits for the connections, which go on', async () => {
      const server = create((socket) => void socket.pipe(socket));
      const port = await listening(server, { port: 0, host: '127.0.0.1' });
      const socket = connect({ port, host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.write('one ');
      await once(socket, 'data');
      let closed = false;
      server.close(() => {
        closed = true;
      });
      await settle();
      assert.equal(closed, false);
      const count = await new Promise((resolve) => server.getConnections((_e, n) => resolve(n)));
      assert.equal(count, 1);
      socket.write('two');
      assert.equal(String((await once(socket, 'data'))[0]), 'two');
      socket.end();
      await once(server, 'close');
      assert.equal(closed, true);
    });

    test('a port in use is an error of the server, and it can be closed and listen again', async () => {
      const first = create();
      const port = await listening(first, 0, '127.0.0.1');
      const second = create();
      second.listen(port, '127.0.0.1');
      const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'EADDRINUSE');
      await new Promise((resolve) => first.close(resolve));
      await listening(second, port, '127.0.0.1');
      assert.throws(() => second.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
      await new Promise((resolve) => second.close(resolve));
      const refused = await new Promise<Error | undefined>((resolve) => second.close(resolve));
      assert.equal((refused as NodeJS.ErrnoException).code, 'ERR_SERVER_NOT_RUNNING');
    });

    test('closed in its callback, and in one turn, it listens again', async () => {
      const server = create((socket) => void socket.end('again'));
      const portNow = (): number => (server.address() as { port: number }).port;
      await listening(server, 0, '127.0.0.1');
      await new Promise<void>((resolve) => {
        server.close(() => server.listen(0, '127.0.0.1', resolve));
      });
      assert.equal(await text(connect(portNow(), '127.0.0.1')), 'again');
      // Node tells of no end while connections of before are there.
      await new Promise<void>((resolve) => server.close(() => server.listen(0, resolve)));
      const events: string[] = [];
      for (const name of ['close', 'listening']) server.on(name, () => events.push(name));
      server.close((error) => events.push(`callback ${error}`));
      server.listen(0, '127.0.0.1');
      while (events.length < 3) await new Promise(setImmediate);
      assert.deepEqual(events.toSorted(), ['callback undefined', 'close', 'listening']);
      assert.equal(await text(connect(portNow(), '127.0.0.1')), 'again');
      await new Promise((resolve) => server.close(resolve));
    });

    test('the last close counts, whatever listen was asked for before', async () => {
      const open = create();
      await listening(open, 0, '127.0.0.1');
      const opening = create().listen(0);
      for (const server of [open, opening]) {
        let listened = 0;
        server.close();
        server.listen(0, () => listened++);
        await new Promise((resolve) => server.close(resolve));
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        assert.deepEqual([server.listening, listened], [false, 0]);
      }
    });

    test('a signal that aborts as it listens closes it once, and it can listen again', async () => {
      const server = create();
      const abort = new AbortController();
      let closes = 0;
      server.once('listening', () => abort.abort());
      server.on('close', () => closes++);
      server.listen({ port: 0, signal: abort.signal });
      await once(server, 'close');
      await listening(server, 0, '127.0.0.1');
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      assert.deepEqual([closes, server.listening], [1, true]);
      await server[Symbol.asyncDispose]();
      assert.deepEqual([closes, server.listening], [2, false]);
    });

    test('closed before it listens: the callback, and nobody hears of listening', async () => {
      const server = create();
      const events: string[] = [];
      for (const name of ['close', 'listening', 'error']) server.on(name, () => events.push(name));
      server.listen(0);
      await new Promise((resolve) => server.close(resolve));
      assert.deepEqual([events, server.listening], [['close'], false]);
    });

    test('closed before it fails to listen: the error, then the end; and it can listen', async () => {
      const first = create();
      const port = await listening(first, 0, '127.0.0.1');
      const second = create();
      const events: string[] = [];
      for (const name of ['close', 'listening', 'error']) second.on(name, () => events.push(name));
      second.listen({ port, host: '127.0.0.1' });
      const told = await new Promise<Error | undefined>((resolve) => second.close(resolve));
      assert.equal((told as NodeJS.ErrnoException).code, 'ERR_SERVER_NOT_RUNNING');
      assert.ok(!events.includes('listening'));
      await new Promise((resolve) => first.close(resolve));
      await listening(second, port, '127.0.0.1');
      assert.equal(second.listening, true);
      await new Promise((resolve) => second.close(resolve));
    });

    test('a signal that has aborted closes a server that never listened, without an error', async () => {
      const server = create();
      const events: string[] = [];
      for (const name of ['listening', 'error']) server.on(name, () => events.push(name));
      server.listen({ port: 0, signal: AbortSignal.abort() });
      await once(server, 'close');
      assert.deepEqual([events, server.listening], [[], false]);
    });

    test('a port that is none is refused at the call', () => {
      const refused = { name: 'RangeError', code: 'ERR_SOCKET_BAD_PORT' };
      assert.throws(() => connect(70_000), refused);
      assert.throws(() => connect({ port: 'x' } as never), refused);
      assert.throws(() => create().listen(70_000), refused);
      assert.throws(() => create().listen({ port: -1 }), refused);
    });

    test('a socket that was closed connects again', async () => {
      const server = create((socket) => void socket.end(`from ${socket.remotePort}`));
      const port = await listening(server, 0, '127.0.0.1');
      const socket = connect(port, '127.0.0.1');
      socket.setTimeout(60_000);
      const events: string[] = [];
      for (const name of ['connect', 'close']) socket.on(name, () => events.push(name));
      for (let round = 0; round < 3; round++) {
        if (round > 0) socket.connect(port, '127.0.0.1');
        const heard: Buffer[] = [];
        socket.on('data', (piece) => heard.push(piece as Buffer));
        await once(socket, 'connect');
        const { localPort } = socket;
        await once(socket, 'close');
        socket.removeAllListeners('data');
        const said = Buffer.concat(heard).toString();
        assert.equal(said, `from ${localPort}`);
        assert.deepEqual([socket.bytesRead, socket.timeout], [said.length, 60_000]);
        assert.equal(socket.destroyed, true);
      }
      assert.deepEqual(events, ['connect', 'close', 'connect', 'close', 'connect', 'close']);
      // Nobody listens: once more, from what the error is told.
      await new Promise((resolve) => server.close(resolve));
      const refused = new Promise((resolve) => socket.once('close', resolve));
      socket.once('error', () => {});
      socket.connect(port, '127.0.0.1');
      await refused;
      const next = await listening(server, 0, '127.0.0.1');
      socket.connect(next, '127.0.0.1');
      socket.resume();
      await once(socket, 'close');
      await new Promise((resolve) => server.close(resolve));
    });

    test('nobody listens: an error of the socket', async () => {
      const server = create();
      const port = await listening(server, 0, '127.0.0.1');
      await new Promise((resolve) => server.close(resolve));
      const [error] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
      assert.equal(error.code, 'ECONNREFUSED');
    });

    test('pauseOnConnect holds what arrives until somebody reads', async () => {
      const server = create({ pauseOnConnect: true }, (socket) => {
        setTimeout(() => socket.pipe(socket), 20);
      });
      const port = await listening(server, 0, '127.0.0.1');
      const socket = connect(port, '127.0.0.1');
      socket.end('held');
      assert.equal(await text(socket), 'held');
      await new Promise((resolve) => server.close(resolve));
    });
  });
}

test('what is not supported is refused by a typed error', () => {
  const refused = { code: 'ErrUnsupportedOp' };
  assert.throws(() => new Socket({ fd: 0 } as never), refused);
  assert.throws(() => createServer({ blockList: new nodeNet.BlockList() } as never), refused);
  assert.throws(() => createServer().listen({ fd: 0 }), refused);
  for (const option of ['localAddress', 'lookup', 'blockList']) {
    assert.throws(() => net.connect({ port: 1, [option]: () => {} } as never), refused);
  }
  assert.throws(() => net.setDefaultAutoSelectFamily(false), refused);
  assert.throws(() => net.setDefaultAutoSelectFamilyAttemptTimeout(100), refused);
  assert.throws(() => new net.BoundSocket(), refused);
});

test('a destroyed socket connects again when it has closed, and not before', async () => {
  let accepted = 0;
  const server = createServer((peer) => {
    accepted++;
    peer.resume();
  });
  const port = await listening(server as never, 0, '127.0.0.1');
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  assert.throws(() => socket.connect(port, '127.0.0.1'), { code: 'ErrConnClosed' });
  await once(socket, 'close');
  assert.throws(() => socket.connect(70_000), { code: 'ERR_SOCKET_BAD_PORT' });
  assert.deepEqual([socket.destroyed, socket.readyState], [true, 'closed']);
  // In the listener itself, which is where most programs do it.
  socket.connect(port, '127.0.0.1');
  socket.once('close', () => socket.connect(port, '127.0.0.1').write('again'));
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual([socket.destroyed, socket.connecting, accepted], [true, false, 3]);
});

test('what a listener of listening throws is uncaught, as of node:net', async (t) => {
  const source = `
    import net from 'gnet/net';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    net.createServer().listen(0, () => { throw new Error('boom'); });`;
  const args = [...nodeFlags, '--input-type=module', '--eval', source];
  const { output } = await new Program(t, process.execPath, args, {}).ending();
  assert.equal(output, 'uncaught boom\n');
});

test('everything public of node:net is there, by name and of the default', async () => {
  const missing = (have: object): string[] =>
    Object.keys(nodeNet).filter((name) => !name.startsWith('_') && !(name in have));
  assert.deepEqual(missing(net), []);
  assert.deepEqual(missing(await import('gnet/net')), []);
  net.setDefaultAutoSelectFamily(net.getDefaultAutoSelectFamily());
  net.setDefaultAutoSelectFamilyAttemptTimeout(net.getDefaultAutoSelectFamilyAttemptTimeout());
});

test('a process ends when its last socket and server are closed', async (t) => {
  const { code, output } = await runProgram(t, 'test/net/programs/ends.ts').ending();
  assert.equal(output, 'hello\n');
  assert.equal(code, 0);
});
