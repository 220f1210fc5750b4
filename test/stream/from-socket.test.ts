/** `fromSocket`: sockets that the runtime has, and that a loop takes over. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { type Client, client, type Conn, type EventHandler, LineBasedFrameCodec } from 'gnet';
import { fromSocket, toDuplex } from 'gnet/stream';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { makeCertificate } from '../../testing/certificates.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { notOn } from '../support/driver.ts';
import { assertSameBytes, temporaryDirectory, type TestScope } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

interface Pair {
  /** What Node accepted. */
  readonly socket: Socket;
  readonly peer: Socket;
  readonly server: net.Server;
}

/** Where it listens, in the words of `net.connect`. */
function targetOf(server: { address(): unknown }): net.NetConnectOpts {
  const address = server.address() as net.AddressInfo | string;
  return typeof address === 'string'
    ? { path: address }
    : { host: '127.0.0.1', port: address.port };
}

async function nodePair(t: TestScope, options: net.ServerOpts = {}, path?: string): Promise<Pair> {
  const server = net.createServer(options);
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  t.after(() => server.close());
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const peer = net.connect(targetOf(server));
  t.after(() => peer.destroy());
  peer.on('error', () => {});
  await once(peer, 'connect');
  const [socket] = await accepted;
  t.after(() => socket.destroy());
  return { socket, peer, server };
}

async function someClient(t: TestScope, handler: EventHandler = {}): Promise<Client> {
  const made = await client(handler);
  t.after(() => made.close());
  return made;
}

async function received(peer: Socket, byteLength: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  peer.on('data', (part: Buffer) => {
    parts.push(part);
    length += part.length;
  });
  await waitUntil(() => length >= byteLength, `${byteLength} bytes`);
  peer.removeAllListeners('data');
  return Buffer.concat(parts);
}

const echo: EventHandler = { react: (frame) => frame };

describe('a socket of Node becomes a connection', () => {
  test('what Node had read comes first, and nothing is lost or doubled', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t);
    const bytes = new BytePattern(11).slice(0, 3_000_000);
    peer.end(bytes);
    // Nobody takes what it reads: it holds as much as it may.
    socket.once('readable', () => {});
    await waitUntil(() => socket.readableLength >= 65_536, 'Node reads');
    assert.ok(socket.readableLength < bytes.length);
    const parts: Buffer[] = [];
    let ended = false;
    const c = await fromSocket(socket, loop, {
      handler: {
        react: (frame: Buffer | null) => void parts.push(Buffer.from(frame ?? '')),
        onEnd() {
          ended = true;
        },
      },
    });
    assert.equal(c.remoteAddr, `127.0.0.1:${peer.localPort}`);
    await waitUntil(() => ended, 'the end');
    assertSameBytes(Buffer.concat(parts), bytes);
  });

  test('its own listeners hear no more of it, and its peer notices nothing', async (t) => {
    const loop = await someClient(t);
    const { socket, peer, server } = await nodePair(t);
    const heard: string[] = [];
    socket.on('data', (part) => heard.push(String(part)));
    socket.on('end', () => heard.push('end'));
    socket.on('error', () => heard.push('error'));
    peer.write('for node');
    await waitUntil(() => heard.length === 1, 'it arrives');
    await fromSocket(socket, loop, { handler: echo as EventHandler<never>, context: 'mine' });
    peer.write('for gnet');
    assert.equal(String(await received(peer, 8)), 'for gnet');
    peer.end();
    await once(peer, 'close');
    assert.deepEqual(heard, ['for node']);
    assert.equal(peer.errored, null);
    // Its server does not wait for it.
    const count = await new Promise((resolve) => server.getConnections((_e, n) => resolve(n)));
    assert.equal(count, 0);
  });

  test('what was being written goes out before', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t);
    peer.pause();
    const bytes = new BytePattern(12).slice(0, 16_000_000);
    socket.write(bytes);
    assert.ok(socket.writableLength > 0);
    let taken = false;
    const taking = fromSocket(socket, loop).then((c) => {
      taken = true;
      c.asyncWrite('behind it');
    });
    await settle();
    assert.equal(taken, false);
    const all = await received(peer.resume(), bytes.length + 9);
    await taking;
    assertSameBytes(all.subarray(0, -9), bytes);
    assert.equal(String(all.subarray(-9)), 'behind it');
  });

  test('one that is paused stays paused', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t, { pauseOnConnect: true });
    peer.write('held');
    const seen: string[] = [];
    const c = await fromSocket(socket, loop, {
      handler: { react: (frame: Buffer | null) => void seen.push(String(frame)) },
    });
    await settle();
    assert.deepEqual(seen, []);
    c.resumeRead();
    await waitUntil(() => seen.join('') === 'held', 'the bytes');
  });

  test('one that was read to its end tells of it again', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t, { allowHalfOpen: true });
    peer.on('data', () => {});
    peer.end();
    await once(socket.resume(), 'end');
    const closed = once(peer, 'close');
    let ends = 0;
    await fromSocket(socket, loop, { handler: { onEnd: () => void ends++ } });
    await closed;
    assert.equal(ends, 1);
  });

  test('one that was dialled, by a Unix path', async (t) => {
    const loop = await someClient(t);
    const path = join(temporaryDirectory(t), 'node.sock');
    const { socket, peer } = await nodePair(t, {}, path);
    socket.pipe(socket);
    const seen: string[] = [];
    const c = await fromSocket(peer, loop, {
      handler: { react: (frame: Buffer | null) => void seen.push(String(frame)) },
    });
    c.asyncWrite('round');
    await waitUntil(() => seen.join('') === 'round', 'the echo');
    const other = await fromSocket(socket, loop);
    assert.equal(other.localAddr, path);
  });

  test('from inside an event of the same loop, for a stream', async (t) => {
    const { socket, peer } = await nodePair(t);
    peer.write('early ');
    socket.once('readable', () => {});
    await waitUntil(() => socket.readableLength === 6, 'it arrives');
    const loop = await someClient(t);
    const streams: Duplex[] = [];
    const another = await nodePair(t);
    await fromSocket(another.socket, loop, {
      handler: {
        react(_frame: Buffer | null, c: Conn) {
          const handler: EventHandler = { onOpened: (one) => void streams.push(toDuplex(one)) };
          void fromSocket(socket, c.loop, { handler });
          peer.write('late');
        },
      },
    });
    another.peer.write('go');
    await waitUntil(() => streams.length === 1, 'the stream');
    let text = '';
    streams[0]?.on('data', (part) => {
      text += part;
    });
    await waitUntil(() => text === 'early late', 'both');
  });

  test('an upgrade of an HTTP server', async (t) => {
    const loop = await someClient(t);
    const server = createHttpServer().listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const answer =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';
    server.on('upgrade', (_request, socket, head) => {
      socket.write(answer);
      socket.unshift(head);
      const handler: EventHandler = {
        onOpened: (c) => c.setCodec(new LineBasedFrameCodec()),
        react: (line) => line,
      };
      void fromSocket(socket, loop, { handler });
    });
    const peer = net.connect(targetOf(server));
    t.after(() => peer.destroy());
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n';
    peer.write(`${upgrade}one\ntw`);
    const first = `${answer}one\n`;
    assert.equal(String(await received(peer, first.length)), first);
    peer.write('o\n');
    assert.equal(String(await received(peer, 4)), 'two\n');
    // Before the client stops, which may reset what is still open.
    peer.destroy();
  });

  test('a descriptor of it is left nowhere', async (t) => {
    const loop = await someClient(t);
    const { socket, peer, server } = await nodePair(t);
    peer.destroy();
    socket.destroy();
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) {
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const dialled = net.connect(targetOf(server));
      const [taken] = await accepted;
      const c = await fromSocket(taken, loop);
      c.close();
      dialled.resume().end();
      await once(dialled, 'close');
    }
    await waitUntil(() => loop.countConnections() === 0, 'all are closed');
    await assertNoNewDescriptors(before);
  });
});

describe('what cannot be taken over stays as it was', () => {
  const unsupported = { code: 'ErrUnsupportedOp' };

  test('TLS, text, a side that is ended, one that is not connected', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t);
    const secure = new tls.TLSSocket(peer, {
      isServer: true,
      ...makeCertificate({ commonName: 'a' }),
    });
    await assert.rejects(fromSocket(secure, loop), unsupported);
    const unconnected = new net.Socket();
    await assert.rejects(fromSocket(unconnected, loop), unsupported);
    socket.setEncoding('utf8');
    await assert.rejects(fromSocket(socket, loop), unsupported);
    assert.equal(socket.destroyed, false);
    const ended = await nodePair(t, { allowHalfOpen: true });
    ended.socket.end();
    await assert.rejects(fromSocket(ended.socket, loop), unsupported);
    assert.equal(loop.countConnections(), 0);
  });

  test('one that is closed, a stopped loop, and what is no socket', async (t) => {
    const loop = await someClient(t);
    const { socket, peer } = await nodePair(t);
    await assert.rejects(fromSocket({} as Socket, loop), { code: 'ErrInvalidOption' });
    await loop.stop();
    await assert.rejects(fromSocket(socket, loop), { code: 'ErrServerInShutdown' });
    socket.write('still here');
    assert.equal(String(await received(peer, 10)), 'still here');
    socket.destroy();
    const other = await someClient(t);
    await assert.rejects(fromSocket(socket, other), { code: 'ErrConnClosed' });
  });

  test(
    'one whose descriptor the runtime does not tell',
    notOn('node', 'it takes the socket itself'),
    async (t) => {
      const loop = await someClient(t);
      const { socket } = await nodePair(t);
      const { _handle: handle } = socket as unknown as { _handle: object };
      Object.defineProperty(handle, 'fd', { value: -1, configurable: true });
      await assert.rejects(fromSocket(socket, loop), unsupported);
      assert.equal(socket.destroyed, false);
    },
  );
});
