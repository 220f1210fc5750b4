/** `toDuplex`: what packages see of a connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import { client, type Conn, type EventHandler, type Options } from 'gnet';
import { createConnection, type ConnSocket, type ConnSocketOptions, toDuplex } from 'gnet/stream';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { isRefused } from '../support/offer.ts';
import { startRig, type TestScope } from '../support/rig.ts';
import { openSocket } from '../support/transport.ts';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const pattern = (length: number): Buffer => new BytePattern(7).slice(0, length);

interface Pair {
  readonly socket: ConnSocket;
  readonly peer: Socket;
  readonly c: Conn;
}

/** A connection as a stream, and its peer. */
async function streamPair(
  t: TestScope,
  options: ConnSocketOptions = {},
  more: EventHandler = {},
  settings: Options = {},
): Promise<Pair> {
  let opened: { socket: ConnSocket; c: Conn } | null = null;
  const handler: EventHandler = {
    ...more,
    onOpened(c) {
      opened = { socket: toDuplex(c, options), c };
    },
  };
  const rig = await startRig(t, handler, settings);
  const peer = await openSocket(rig.server.addr);
  t.after(() => peer.destroy());
  await waitUntil(() => opened !== null, 'onOpened');
  return { ...(opened as unknown as { socket: ConnSocket; c: Conn }), peer };
}

async function received(from: Socket | ConnSocket, byteLength: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
  };
  from.on('data', take).resume();
  await waitUntil(() => length >= byteLength, `${byteLength} bytes`);
  from.off('data', take);
  return Buffer.concat(parts);
}

test('tells what a net.Socket tells', async (t) => {
  const { socket, peer } = await streamPair(t);
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.equal(socket.remotePort, peer.localPort);
  assert.equal(socket.remoteFamily, 'IPv4');
  assert.equal(socket.localPort, peer.remotePort);
  assert.deepEqual(
    socket.address(),
    peer.remoteAddress && {
      address: '127.0.0.1',
      family: 'IPv4',
      port: peer.remotePort,
    },
  );
  assert.equal(socket.readyState, 'open');
  assert.equal(socket.connecting, false);
  assert.equal(socket.pending, false);
  assert.equal(socket.setNoDelay(true).setKeepAlive(true, 1_000).ref().unref(), socket);
  socket.write('hello');
  await received(peer, 5);
  peer.write('you');
  await received(socket, 3);
  assert.equal(socket.bytesWritten, 5);
  assert.equal(socket.bytesRead, 3);
});

test('a net.Socket is asked for, and this is one for the compiler', async (t) => {
  const { socket } = await streamPair(t);
  const asked = (given: Socket): boolean => given.writable;
  assert.equal(asked(socket), true);
});

describe('what arrives', () => {
  test('goes to a listener of data, and may be kept', async (t) => {
    const { socket, peer } = await streamPair(t);
    const bytes = pattern(300_000);
    peer.write(bytes);
    assert.deepEqual(await received(socket, bytes.length), bytes);
  });

  test('counts as read', async (t) => {
    const { socket, peer } = await streamPair(t);
    assert.equal(socket.readableDidRead, false);
    peer.write('a');
    await received(socket, 1);
    assert.equal(socket.readableDidRead, true);
  });

  test('before anybody listens is there when somebody does', async (t) => {
    const { socket, peer } = await streamPair(t);
    peer.write('early');
    await waitUntil(() => socket.bytesRead === 5, 'it arrives');
    assert.equal(String(await received(socket, 5)), 'early');
  });

  test('is text once setEncoding was called, also in the middle of a character', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.setEncoding('utf8');
    let text = '';
    socket.on('data', (part: string) => {
      text += part;
    });
    const euro = Buffer.from('\u20ac');
    peer.write(euro.subarray(0, 1));
    await waitUntil(() => socket.bytesRead === 1, 'one byte');
    peer.write(euro.subarray(1));
    await waitUntil(() => text === '\u20ac', 'the character');
  });

  test('waits at the peer while nobody reads', async (t) => {
    const { socket, peer } = await streamPair(t);
    const block = Buffer.alloc(65_536);
    let written = 0;
    const push = (): void => {
      while (written++ < 100 && peer.write(block));
    };
    peer.on('drain', push);
    push();
    await settle();
    assert.ok(socket.bytesRead <= 4 * 65_536, `${socket.bytesRead} bytes were read`);
    socket.resume();
    await waitUntil(() => peer.writableLength === 0, 'all of it leaves');
  });

  test('can be iterated over', async (t) => {
    const { socket, peer } = await streamPair(t);
    peer.end(pattern(200_000));
    let length = 0;
    for await (const part of socket) length += (part as Buffer).length;
    assert.equal(length, 200_000);
  });
});

describe('what is written', () => {
  test('arrives in every encoding, in order', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.write('caf\u00e9', 'latin1');
    socket.write('caf\u00e9');
    socket.write('63', 'hex');
    socket.write(new Uint8Array([1, 2]));
    socket.end('end', 'ascii');
    const all = Buffer.concat([
      Buffer.from('caf\u00e9', 'latin1'),
      Buffer.from('caf\u00e9c'),
      Buffer.from([1, 2]),
      Buffer.from('end'),
    ]);
    assert.deepEqual(await received(peer, all.length), all);
    assert.equal(socket.bytesWritten, all.length);
  });

  test('is in the default encoding where none is named', async (t) => {
    const { socket, peer } = await streamPair(t);
    assert.equal(socket.setDefaultEncoding('hex'), socket);
    socket.write('61');
    socket.write('b', 'utf8');
    socket.setDefaultEncoding('latin1');
    socket.write('\u00e9');
    assert.deepEqual(await received(peer, 3), Buffer.from('6162e9', 'hex'));
    assert.throws(() => socket.setDefaultEncoding('none' as BufferEncoding), {
      code: 'ERR_UNKNOWN_ENCODING',
    });
  });

  test('fills up to a slow reader, is never lost, and drains once', async (t) => {
    const { socket, peer } = await streamPair(t);
    peer.pause();
    const block = pattern(65_536);
    let blocks = 0;
    while (socket.write(block)) blocks++;
    // Whoever does not wait is not cut off, as on net.Socket.
    for (let more = 0; more < 20; more++) {
      assert.equal(socket.write(block), false);
      blocks++;
    }
    blocks++;
    assert.equal(socket.writableNeedDrain, true);
    let drains = 0;
    socket.on('drain', () => drains++);
    const bytes = await received(peer, blocks * block.length);
    assert.deepEqual(bytes.subarray(-block.length), block);
    await waitUntil(() => socket.writableLength === 0, 'nothing is pending');
    await settle();
    assert.equal(drains, 1);
    assert.equal(socket.writableNeedDrain, false);
  });

  test('calls back when it is in the kernel, and not before', async (t) => {
    const { socket, peer, c } = await streamPair(t);
    peer.pause();
    let done = 0;
    let sent = 0;
    const block = Buffer.alloc(65_536);
    const count = (error?: Error | null): void => {
      assert.equal(error ?? null, null);
      done++;
    };
    do {
      sent++;
      if (!socket.write(block, count)) await settle();
    } while (c.outboundBuffered() === 0 || !socket.writableNeedDrain);
    assert.ok(done < sent);
    peer.resume();
    await waitUntil(() => done === sent, 'all call back');
  });

  test('is not lost by destroy once it has called back', async (t) => {
    const settings = { socketSendBuffer: 20_000 };
    const { socket, peer, c } = await streamPair(t, {}, {}, settings);
    peer.pause();
    let sent = 0;
    let calledBack = 0;
    // Little at a time: a driver may take that before it asks the kernel.
    const block = Buffer.alloc(15_000);
    while (!isRefused(c)) {
      sent++;
      socket.write(block, (error) => {
        if (!error) calledBack++;
      });
      c.flush();
      await waitUntil(() => calledBack === sent || isRefused(c), 'what the kernel says');
    }
    const inKernel = calledBack * block.length;
    socket.destroy();
    let got = 0;
    let ended = false;
    peer.on('data', (part: Buffer) => {
      got += part.length;
    });
    peer.on('end', () => {
      ended = true;
    });
    peer.resume();
    await waitUntil(() => ended, 'the end');
    assert.ok(inKernel > 0 && got >= inKernel, `${got} of ${inKernel} bytes`);
  });

  test('to a peer that is gone is an error with its code', async (t) => {
    const { socket, peer } = await streamPair(t);
    peer.resetAndDestroy();
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    assert.equal(socket.destroyed, true);
    const failed = (await new Promise<unknown>((resolve) =>
      socket.write('x', (failure) => resolve(failure)),
    )) as unknown;
    assert.ok(failed instanceof Error);
  });
});

describe('the end', () => {
  test('of the peer ends our side, too', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.resume();
    peer.resume().end();
    await once(peer, 'end');
    await waitUntil(() => socket.closed, 'the close');
  });

  test('of the peer leaves our side open with allowHalfOpen', async (t) => {
    const { socket, peer } = await streamPair(t, { allowHalfOpen: true });
    socket.resume();
    peer.end();
    await once(socket, 'end');
    assert.equal(socket.readyState, 'writeOnly');
    socket.end('still here');
    assert.equal(String(await received(peer, 10)), 'still here');
    await waitUntil(() => socket.closed, 'the close');
  });

  test('of our side comes behind everything, and the peer may go on', async (t) => {
    const { socket, peer } = await streamPair(t, { allowHalfOpen: true });
    const bytes = pattern(3_000_000);
    socket.end(bytes);
    assert.deepEqual(await received(peer, bytes.length), bytes);
    if (!peer.readableEnded) await once(peer, 'end');
    assert.equal(socket.readyState, 'readOnly');
    peer.end('answer');
    assert.equal(String(await received(socket, 6)), 'answer');
    await waitUntil(() => socket.closed, 'the close');
  });

  test('destroy sends what was written, and is no reset', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.write('last words');
    socket.destroy();
    assert.equal(String(await received(peer, 10)), 'last words');
    if (!peer.readableEnded) await once(peer, 'end');
    assert.equal(peer.errored, null);
  });

  test('resetAndDestroy is a reset', async (t) => {
    const { socket, peer } = await streamPair(t);
    peer.resume();
    socket.resetAndDestroy();
    const [error] = (await once(peer, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  test('destroySoon waits until what was written is out', async (t) => {
    const { socket, peer } = await streamPair(t);
    const bytes = pattern(2_000_000);
    socket.write(bytes);
    socket.destroySoon();
    assert.deepEqual(await received(peer, bytes.length), bytes);
    if (!peer.readableEnded) await once(peer, 'end');
  });

  test('comes by a signal', async (t) => {
    const abort = new AbortController();
    const { socket } = await streamPair(t, { signal: abort.signal });
    const failed = once(socket, 'error') as Promise<[Error]>;
    abort.abort();
    assert.equal((await failed)[0].name, 'AbortError');
  });

  test('is told once, with whether there was an error', async (t) => {
    const told: unknown[][] = [];
    const orderly = await streamPair(t);
    orderly.socket.on('close', (...given) => told.push(given));
    orderly.socket.destroy().destroy();
    const broken = await streamPair(t);
    broken.socket.on('error', () => {}).on('close', (...given) => told.push(given));
    broken.socket.destroy(new Error('enough'));
    await waitUntil(() => told.length >= 2, 'both');
    await settle();
    assert.deepEqual(told.sort(), [[false], [true]]);
  });

  test('of the connection fails what is written behind it, though bytes wait to be read', async (t) => {
    const { socket, peer, c } = await streamPair(t, { allowHalfOpen: true });
    peer.end('kept');
    await waitUntil(() => c.readEnded, 'the end');
    c.close();
    peer.resume();
    await once(peer, 'end');
    await settle();
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
    socket.write('x');
    assert.equal((await failed)[0].code, 'EPIPE');
  });

  test('what is still to be read is read when the connection is gone', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.end();
    peer.end('kept');
    await waitUntil(() => socket.bytesRead === 4, 'it arrives');
    await settle();
    assert.equal(String(await received(socket, 4)), 'kept');
    await waitUntil(() => socket.closed, 'the close');
  });
});

describe('setTimeout', () => {
  test('is told once of silence, and again after traffic', async (t) => {
    const { socket, peer } = await streamPair(t);
    socket.resume();
    let told = 0;
    socket.setTimeout(40);
    socket.on('timeout', () => told++);
    await waitUntil(() => told === 1, 'the timeout');
    await settle(120);
    assert.equal(told, 1);
    peer.write('x');
    await waitUntil(() => told === 2, 'the next');
    socket.setTimeout(0);
    peer.write('x');
    await settle(120);
    assert.equal(told, 2);
  });

  test('traffic puts it off', async (t) => {
    await unlessHeldUp(150, async () => {
      const { socket } = await streamPair(t);
      let told = 0;
      socket.setTimeout(300, () => told++);
      for (let writes = 0; writes < 12; writes++) {
        socket.write('x');
        await settle(40);
      }
      assert.equal(told, 0);
      await waitUntil(() => told === 1, 'silence');
    });
  });

  test('refuses what net.Socket refuses', async (t) => {
    const { socket } = await streamPair(t);
    assert.throws(() => socket.setTimeout('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => socket.setTimeout(-1), { code: 'ERR_OUT_OF_RANGE' });
  });
});

describe('createConnection', () => {
  async function echoServer(t: TestScope): Promise<number> {
    const server = createServer((socket) => void socket.on('error', () => {}).pipe(socket)).listen(
      0,
      '127.0.0.1',
    );
    t.after(() => server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  test('takes writes before it is connected', async (t) => {
    const dialler = await client({});
    t.after(() => dialler.close());
    const port = await echoServer(t);
    const socket = createConnection(dialler)({ host: '127.0.0.1', port });
    t.after(() => socket.destroy());
    assert.equal(socket.connecting, true);
    assert.equal(socket.readyState, 'opening');
    socket.write('one ');
    socket.write('two');
    assert.equal(String(await received(socket, 7)), 'one two');
    assert.equal(socket.connecting, false);
    assert.equal(socket.remotePort, port);
  });

  test('connect comes later, as pg does it', async (t) => {
    const dialler = await client({});
    t.after(() => dialler.close());
    const port = await echoServer(t);
    const socket = createConnection(() => dialler)();
    t.after(() => socket.destroy());
    assert.equal(socket.pending, true);
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    await pipeline([Buffer.from('x')], socket, { end: false });
    assert.equal(String(await received(socket, 1)), 'x');
    await new Promise<void>((resolve) => socket.connect(port, resolve));
  });

  test('a refusal goes to the callback, or is an error of the socket', async (t) => {
    const dialler = await client({});
    t.after(() => dialler.close());
    const refused = createServer().listen(0, '127.0.0.1');
    await once(refused, 'listening');
    const { port } = refused.address() as AddressInfo;
    await new Promise((resolve) => refused.close(resolve));
    const error = await new Promise<Error | null>((resolve) => {
      createConnection(dialler)({ host: '127.0.0.1', port }, resolve);
    });
    assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    const socket = createConnection(dialler)({ host: '127.0.0.1', port });
    const [told] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    assert.equal(told.code, 'ECONNREFUSED');
    assert.equal(socket.destroyed, true);
  });

  test('what was written to one that is never connected fails, and it dials again if asked', async (t) => {
    const dialler = await client({});
    t.after(() => dialler.close());
    const codes: unknown[] = [];
    const count = (error?: Error | null): void => {
      codes.push((error as NodeJS.ErrnoException | undefined)?.code);
    };
    const refused = createConnection(dialler)({ host: '127.0.0.1', port: 1 });
    refused.on('error', () => {});
    refused.write('one', count);
    refused.write('two', count);
    await waitUntil(() => codes.length === 2, 'both fail');
    assert.equal(codes[0], 'ECONNREFUSED');
    const destroyed = createConnection(dialler)({ host: '127.0.0.1', port: 1 });
    destroyed.write('one', count);
    destroyed.destroy();
    await waitUntil(() => codes.length === 3, 'it fails');
    const port = await echoServer(t);
    destroyed.connect(port, '127.0.0.1').write('three');
    assert.equal(String((await once(destroyed, 'data'))[0]), 'three');
    destroyed.destroy();
  });

  test('a socket that is destroyed while it dials leaves nothing behind', async (t) => {
    const dialler = await client({});
    t.after(() => dialler.close());
    const port = await echoServer(t);
    const socket = createConnection(dialler)({ host: '127.0.0.1', port });
    socket.destroy();
    await waitUntil(() => socket.closed, 'the close');
    await settle();
    assert.equal(dialler.countConnections(), 0);
  });
});
