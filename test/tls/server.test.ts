/** Servers with TLS, as clients of node:tls see them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Conn, type EventHandler, LineBasedFrameCodec, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { block } from '../support/block.ts';
import { codeOf, EchoHandler, temporaryDirectory } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import {
  beginTls,
  clientIdentity,
  connectTls,
  cutter,
  identity,
  readBytes,
  secure,
  startTls,
  trickle,
} from './tls-rig.ts';

describe('a server with TLS', () => {
  test('onOpened comes after the handshake, and what it sends arrives', async (t) => {
    const rig = await startTls(t, { onOpened: () => 'welcome\n', react: (frame) => frame });
    const socket = await connectTls(t, rig.server.addr);
    assert.equal((await readBytes(socket, 8)).toString(), 'welcome\n');
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    socket.end();
    await once(socket, 'close');
    await waitUntil(() => rig.events.includes('closed'), 'closed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
    const stats = rig.server.stats().tls;
    assert.equal(stats?.handshakes, 1);
    assert.equal(stats?.failures, 0);
    assert.match(stats?.version ?? '', /^3\.\d+\.\d+$/);
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: c.tls says what was agreed on`, async (t) => {
      let opened: Conn | undefined;
      const rig = await startTls(
        t,
        {
          onOpened(c) {
            opened = c;
          },
          react: (frame) => frame,
        },
        {
          tls: {
            ALPNProtocols: ['h2', 'echo'],
          },
        },
      );
      const socket = await connectTls(t, rig.server.addr, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['echo'],
      });
      await waitUntil(() => opened !== undefined, 'opened');
      const info = opened?.tls;
      assert.equal(info?.protocol, version);
      assert.equal(info?.alpnProtocol, 'echo');
      assert.equal(socket.alpnProtocol, 'echo');
      assert.equal(info?.servername, 'localhost');
      assert.equal(info?.cipher.name, socket.getCipher().name);
      assert.equal(info?.resumed, false);
      assert.equal(info?.peerCertificate, undefined);
      assert.equal(info?.authorized, false);
      assert.equal(info?.authorizationError, undefined);
    });
  }

  test('a client with a certificate is authorized, one without is refused', async (t) => {
    const seen: unknown[] = [];
    const rig = await startTls(
      t,
      { onOpened: (c) => void seen.push(c.tls?.authorized, c.tls?.peerCertificate?.subject) },
      { tls: { requestCert: true } },
    );
    await connectTls(t, rig.server.addr, clientIdentity);
    await waitUntil(() => seen.length === 2, 'opened');
    assert.deepEqual(seen, [true, 'CN=test client']);
    const other = beginTls(t, rig.server.addr);
    await waitUntil(() => other.destroyed, 'refused');
    await waitUntil(() => rig.reports.length === 1, 'reported');
    assert.equal(codeOf(rig.reports[0]?.err), 'ErrTlsHandshake');
    assert.deepEqual(rig.events, ['init', 'open']);
    assert.equal(rig.server.stats().tls?.failures, 1);
  });

  test('tcp:// and unix:// with the option tls are TLS', async (t) => {
    const path = join(temporaryDirectory(t), 'tls.sock');
    for (const address of ['tcp://127.0.0.1:0', `unix://${path}`]) {
      const rig = await startTls(t, new EchoHandler(), {}, address);
      const socket = await connectTls(t, rig.server.addr);
      socket.write('hello');
      assert.equal((await readBytes(socket, 5)).toString(), 'hello');
      socket.destroy();
    }
  });

  test('many MiB each way, frames over records, and watermarks as on plain connections', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const socket = await connectTls(t, rig.server.addr);
    const sent = Buffer.alloc(20 * 1_048_576);
    for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
    socket.write(sent);
    const got = await readBytes(socket, sent.length);
    assert.ok(sent.equals(got), 'every byte, in order');
    socket.destroy();
    await waitUntil(() => rig.server.countConnections() === 0, 'gone');
  });

  test('bytes of a frame come in many records', async (t) => {
    const lines: string[] = [];
    const rig = await startTls(
      t,
      { react: (line) => void lines.push(String(line)) },
      { codec: new LineBasedFrameCodec() },
    );
    const socket = await connectTls(t, rig.server.addr);
    socket.setNoDelay(true);
    for (const byte of 'one\ntwo\n') {
      socket.write(byte);
      await settle();
    }
    await waitUntil(() => lines.length === 2, 'both lines');
    assert.deepEqual(lines, ['one', 'two']);
  });

  test('plain text is refused at once, with its error in the log and no event', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await waitUntil(() => client.ended, 'refused');
    assert.equal(codeOf(rig.reports[0]?.err), 'ErrTlsPlainText');
    assert.deepEqual(rig.events, ['init']);
    client.destroy();
    await waitUntil(() => rig.server.countConnections() === 0, 'gone');
  });

  test('a handshake that takes too long is ended', async (t) => {
    const rig = await startTls(t, new EchoHandler(), { tls: { handshakeTimeout: 50 } });
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from([22, 3, 1]));
    await waitUntil(() => client.closed, 'closed');
    assert.equal(codeOf(rig.reports[0]?.err), 'ErrTimeout');
    assert.deepEqual(rig.events, ['init']);
  });

  test('a handshake that the blocked thread held up has not taken too long', async (t) => {
    const rig = await startTls(t, new EchoHandler(), { tls: { handshakeTimeout: 600 } });
    const { socket } = await RawClient.connect(rig.server.addr);
    await waitUntil(() => rig.server.countConnections() === 1, 'accepted');
    const client = secure(t, socket);
    const outcome = Promise.race([
      once(client, 'secureConnect').then(() => 'open'),
      once(client, 'close').then(() => 'refused'),
    ]);
    block(900);
    assert.equal(await outcome, 'open');
    assert.deepEqual(rig.reports, []);
  });

  for (const name of ['idleTimeout', 'readTimeout'] as const) {
    test(`parts of a record count for ${name}`, async (t) => {
      let received = 0;
      const handler: EventHandler = {
        react(frame) {
          received += frame?.length ?? 0;
        },
      };
      const rig = await startTls(t, handler, { [name]: 400 });
      const relay = await trickle(t, rig.server.addr, 1_000);
      const socket = await connectTls(t, relay.address);
      relay.restMs = 50;
      // One record: nothing of it can be read before its end.
      socket.write(Buffer.alloc(16_000));
      await waitUntil(() => received === 16_000 || rig.events.length === 3, 'all of it');
      assert.deepEqual(rig.events, ['init', 'open']);
    });
  }

  test('a port that is only looked at is nothing to report', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const client = await RawClient.connect(rig.server.addr);
    client.end();
    await waitUntil(() => client.closed, 'closed');
    await waitUntil(() => rig.server.countConnections() === 0, 'gone');
    assert.deepEqual([rig.reports, rig.events], [[], ['init']]);
    assert.equal(rig.server.stats().tls?.failures, 0);
  });

  test('an end without close_notify is ErrTlsTruncated, without onEnd, and the answer goes out', async (t) => {
    let ends = 0;
    const rig = await startTls(t, {
      react: (frame) => frame,
      onEnd: () => void ends++,
    });
    const proxy = await cutter(t, rig.server.addr);
    const socket = await connectTls(t, proxy.address);
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    proxy.cut();
    await waitUntil(() => rig.events.length === 3, 'closed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed(ErrTlsTruncated)']);
    assert.equal(ends, 0);
  });

  test('close_notify of the peer is an end in order, and ours arrives', async (t) => {
    let ends = 0;
    const rig = await startTls(t, { react: (frame) => frame, onEnd: () => void ends++ });
    const socket = await connectTls(t, rig.server.addr);
    socket.resume();
    socket.end('bye');
    await once(socket, 'end');
    await waitUntil(() => rig.events.length === 3, 'closed');
    assert.deepEqual([rig.events, ends], [['init', 'open', 'closed'], 1]);
  });

  test('half-close: TLS 1.3 goes on in the other direction with allowHalfOpen', async (t) => {
    let c: Conn | undefined;
    const rig = await startTls(
      t,
      {
        onOpened(opened) {
          c = opened;
        },
      },
      { allowHalfOpen: true },
    );
    const socket = await connectTls(t, rig.server.addr, { allowHalfOpen: true } as object);
    socket.end('request');
    await waitUntil(() => c?.readEnded === true, 'ended');
    assert.equal(c?.asyncWrite('late answer'), true);
    assert.equal((await readBytes(socket, 11)).toString(), 'late answer');
    c?.close();
    await waitUntil(() => rig.events.includes('closed'), 'closed');
  });

  test('a session is resumed, also on the other version', async (t) => {
    const seen: (boolean | undefined)[] = [];
    const rig = await startTls(t, {
      onOpened(c) {
        seen.push(c.tls?.resumed);
        return 'x';
      },
    });
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await connectTls(t, rig.server.addr, { maxVersion: version });
      let session = version === 'TLSv1.2' ? first.getSession() : undefined;
      first.on('session', (kept) => (session = kept));
      await readBytes(first, 1);
      await waitUntil(() => session !== undefined, 'a session');
      first.destroy();
      await connectTls(t, rig.server.addr, { maxVersion: version, session });
    }
    await waitUntil(() => seen.length === 4, 'four connections');
    assert.deepEqual(seen, [false, true, false, true]);
  });

  test('a burst of handshakes: all of them come through', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const count = 60;
    const sockets = Array.from({ length: count }, () => beginTls(t, rig.server.addr));
    await Promise.all(sockets.map((socket) => once(socket, 'secureConnect')));
    await waitUntil(() => rig.server.stats().tls?.handshakes === count, 'all are open');
    for (const socket of sockets) socket.destroy();
    await waitUntil(() => rig.server.countConnections() === 0, 'gone');
  });

  test('stop does not wait for a handshake', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from([22, 3, 1]));
    await waitUntil(() => rig.server.countConnections() === 1, 'accepted');
    await rig.server.stop();
    assert.deepEqual(rig.events, ['init', 'shutdown']);
  });

  test('a request that came with the end of a handshake is answered by a stop', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const port = Number(rig.server.addr.split(':').at(-1));
    const held: Buffer[] = [];
    let far: Socket | undefined;
    // Holds what the client sends behind its hello.
    const relay = createServer((near) => {
      far = connect({ host: '127.0.0.1', port });
      let heard = false;
      near.on('data', (bytes: Buffer) => {
        if (heard) held.push(bytes);
        else far?.write(bytes);
        heard = true;
      });
      far.pipe(near);
      for (const socket of [near, far]) socket.on('error', () => {});
      t.after(() => near.destroy());
    }).listen(0, '127.0.0.1');
    t.after(() => relay.close());
    await once(relay, 'listening');
    const { port: relayPort } = relay.address() as { port: number };
    const socket = await connectTls(t, `127.0.0.1:${relayPort}`, { minVersion: 'TLSv1.3' });
    socket.write('request');
    await waitUntil(() => Buffer.concat(held).length > 100, 'the request is under way');
    await settle();
    assert.deepEqual(rig.events, ['init']);
    far?.write(Buffer.concat(held));
    const stopped = rig.server.stop();
    assert.equal((await readBytes(socket, 7)).toString(), 'request');
    far?.end();
    assert.deepEqual(await stopped, { forced: 0 });
    assert.equal(rig.events[1], 'open');
  });

  test('addresses and options that do not fit are refused with the way out', async () => {
    await assert.rejects(serve({}, 'tls://127.0.0.1:0'), { code: 'ErrInvalidOption' });
    await assert.rejects(serve({}, 'tls://127.0.0.1:0', { tls: {} }), /without a certificate/);
    await assert.rejects(
      serve({}, ['tcp://127.0.0.1:0', 'tls://127.0.0.1:0'], { tls: identity }),
      /call serve twice/,
    );
    await assert.rejects(serve({}, 'tls://127.0.0.1:0', { tls: 5 as never }), /option tls/);
  });
});

test('a keylog that writes to other connections mixes nothing up', async (t) => {
  let watcher: Conn | undefined;
  const lines: string[] = [];
  const rig = await startTls(
    t,
    {
      onOpened(c) {
        watcher ??= c;
      },
      react: (frame) => frame,
    },
    {
      tls: {
        ...identity,
        keylog(line) {
          if (watcher === undefined) return;
          lines.push(`${line.split(' ')[0]}\n`);
          watcher.asyncWrite(lines.at(-1) as string);
          watcher.flush();
        },
      },
    },
  );
  const first = await connectTls(t, rig.server.addr);
  await waitUntil(() => watcher !== undefined, 'the watcher is open');
  const second = await connectTls(t, rig.server.addr);
  second.write('hello');
  assert.equal((await readBytes(second, 5)).toString(), 'hello');
  assert.ok(lines.length >= 5);
  const all = lines.join('');
  assert.equal((await readBytes(first, all.length)).toString(), all);
});
