/** STARTTLS: a plain connection becomes one with TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import * as tls from 'node:tls';
import { type Conn, type EventHandler, LineBasedFrameCodec, type TlsServerOptions } from 'gnet';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import { rejection, startClient } from '../support/client-rig.ts';
import { spawnExample } from '../examples/spawn-example.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { codeOf, startRig, type TestScope } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { ca, identity, readBytes, secure, writeFiles } from './tls-rig.ts';

const codec = new LineBasedFrameCodec();

/** Says `go` in clear, then TLS; every other line is echoed. */
function starting(options: TlsServerOptions = identity) {
  const outcomes: unknown[] = [];
  const handler: EventHandler = {
    react(line, c) {
      if (String(line) !== 'STARTTLS') return line;
      c.upgradeTls(options).then(
        () => outcomes.push(c.tls?.protocol),
        (error: unknown) => outcomes.push(codeOf(error)),
      );
      return 'go';
    },
  };
  return { outcomes, handler };
}

async function plain(t: TestScope, address: string): Promise<Socket> {
  const socket = connectPlain(Number(/:(\d+)$/.exec(address)?.[1]), '127.0.0.1');
  socket.on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function says(socket: Socket, text: string): Promise<void> {
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.equal(data.toString(), text);
}

describe('upgradeTls', () => {
  test('of a server: the answer goes out in clear, and the rest is TLS', async (t) => {
    const { outcomes, handler } = starting();
    const rig = await startRig(t, handler, { codec });
    const socket = await plain(t, rig.server.addr);
    socket.write('one\n');
    await says(socket, 'one\n');
    socket.write('STARTTLS\n');
    await says(socket, 'go\n');
    const secured = secure(t, socket);
    await once(secured, 'secureConnect');
    secured.write('two\n');
    assert.equal((await readBytes(secured, 4)).toString(), 'two\n');
    assert.deepEqual(outcomes, ['TLSv1.3']);
    secured.end();
    await waitUntil(() => rig.events.includes('closed'), 'closed');
    assert.deepEqual(rig.events, ['init', 'open', 'closed']);
  });

  test('bytes behind the command are the handshake, however they come', async (t) => {
    for (const split of [0, 1, 100, 100_000]) {
      const { outcomes, handler } = starting();
      const rig = await startRig(t, handler, { codec });
      const socket = await plain(t, rig.server.addr);
      const hello = await clientHello();
      // A line end within it must not make frames of it.
      assert.ok(hello.length > 100);
      socket.write(Buffer.concat([Buffer.from('STARTTLS\n'), hello.subarray(0, split)]));
      await settle();
      socket.write(hello.subarray(split));
      const got: Buffer[] = [];
      socket.on('data', (data: Buffer) => got.push(data));
      await waitUntil(() => Buffer.concat(got).length > 100, 'an answer');
      const all = Buffer.concat(got);
      assert.equal(all.subarray(0, 3).toString(), 'go\n');
      assert.equal(all[3], 22, 'a message of a handshake');
      socket.destroy();
      await waitUntil(() => outcomes.length === 1, 'settled');
      assert.match(String(outcomes[0]), /ErrTlsHandshake|ECONNRESET|EPIPE/);
    }
  });

  test('what waits in clear goes out first, and what is written meanwhile comes encrypted', async (t) => {
    const clear = 'c'.repeat(4_000_000);
    let c: Conn | undefined;
    const rig = await startRig(t, {
      onOpened(opened) {
        c = opened;
      },
      react: (frame) => frame,
    });
    const socket = await plain(t, rig.server.addr);
    await waitUntil(() => c !== undefined, 'opened');
    c?.asyncWrite(clear);
    const done = c?.upgradeTls(identity);
    const got = await readPlain(socket, clear.length);
    assert.equal(got.length, clear.length);
    const secured = secure(t, socket);
    await once(secured, 'secureConnect');
    await done;
    assert.equal(c?.asyncWrite('encrypted'), true);
    assert.equal((await readBytes(secured, 9)).toString(), 'encrypted');
  });

  test('of a client, by an async handler that awaits it', async (t) => {
    const address = await starttlsServer(t);
    const lines: string[] = [];
    const { client, events } = await startClient(
      t,
      {
        async react(line, c) {
          lines.push(String(line));
          if (String(line) !== 'go') return null;
          await c.upgradeTls({ ca });
          return 'hello over TLS';
        },
      },
      { codec },
    );
    const c = await client.dial(address);
    c.asyncWrite('STARTTLS');
    await waitUntil(() => lines.length === 2, 'the echo');
    assert.deepEqual(lines, ['go', 'hello over TLS']);
    assert.equal(c.tls?.servername, 'localhost');
    assert.equal(c.tls?.authorized, true);
    c.close();
    await waitUntil(() => events.includes('closed'), 'closed');
  });

  test('a certificate that is not accepted rejects, and closes with the error', async (t) => {
    const { client, events } = await startClient(t, {});
    const c = await client.dial(await starttlsServer(t));
    c.asyncWrite('STARTTLS\n');
    const error = await rejection(c.upgradeTls({ ca, servername: 'other.test' }));
    assert.equal(codeOf(error), 'ErrTlsPlainText', 'go was not read yet');
    await waitUntil(() => events.length === 3, 'closed');
    assert.deepEqual(events, ['init', 'open', 'closed(ErrTlsPlainText)']);
  });

  test('twice, with bad options and without a name: refused, and the connection stays', async (t) => {
    const errors: string[] = [];
    const rig = await startRig(t, {
      async react(frame, c) {
        if (String(frame) !== 'up') return frame;
        for (const options of [null, { key: 'none.pem', cert: 'none.pem' }, { isServer: false }]) {
          const error = await rejection(c.upgradeTls(options as TlsServerOptions));
          errors.push(codeOf(error));
        }
        return 'still here';
      },
    });
    const socket = await plain(t, rig.server.addr);
    socket.write('up');
    await says(socket, 'still here');
    assert.deepEqual(errors, Array(3).fill('ErrInvalidOption'));
    socket.write('echo');
    await says(socket, 'echo');
  });

  test('end() on the way to TLS is an end in TLS, behind what was written before', async (t) => {
    for (const when of [
      'while clear bytes go out',
      'in the handshake',
      'behind a write',
    ] as const) {
      const clear = Buffer.alloc(when === 'while clear bytes go out' ? 8_000_000 : 3, 'c');
      const outcomes: unknown[] = [];
      const rig = await startRig(t, {
        react(_frame, c) {
          c.asyncWrite(clear);
          c.upgradeTls(identity).then(
            () => outcomes.push(c.tls?.protocol),
            (error: unknown) => outcomes.push(codeOf(error)),
          );
          if (clear.length > 3) setImmediate(() => c.end());
          else void endLater(c, when === 'behind a write');
        },
      });
      const socket = await plain(t, rig.server.addr);
      socket.write('STARTTLS\n');
      assert.ok((await readPlain(socket, clear.length)).equals(clear));
      const secured = secure(t, socket);
      const got = await readBytes(secured, 100);
      assert.equal(got.toString(), when === 'behind a write' ? 'bye' : '');
      assert.deepEqual(outcomes, ['TLSv1.3'], when);
      await waitUntil(() => rig.closeErrors.length === 1, 'closed');
      assert.deepEqual(rig.closeErrors, [undefined]);
    }
  });

  test('the connection goes away in the middle: the promise rejects, in every state', async (t) => {
    for (const what of ['before', 'close', 'reset', 'stop'] as const) {
      let c: Conn | undefined;
      const rig = await startRig(t, {
        onOpened(opened) {
          c = opened;
        },
      });
      const socket = await plain(t, rig.server.addr);
      await waitUntil(() => c !== undefined, 'opened');
      const failed = rejection((c as unknown as Conn).upgradeTls(identity));
      if (what !== 'before') await settle();
      if (what === 'before') socket.destroy();
      else if (what === 'close') c?.close();
      else if (what === 'reset') c?.reset();
      else await rig.server.stop({ timeout: 0 });
      assert.match(codeOf(await failed), /^Err(ConnClosed|TlsHandshake)$|^ECONNRESET$/);
      socket.destroy();
      await waitUntil(() => rig.server.countConnections() === 0, 'gone');
    }
  });

  test('of a connection that closes meanwhile is refused', async (t) => {
    for (const end of ['destroy', 'reset'] as const) {
      let code: unknown;
      const handler: EventHandler = {
        react(_frame, c) {
          c.upgradeTls(identity).catch((error: unknown) => {
            code = codeOf(error);
          });
          c[end]();
        },
      };
      const rig = await startRig(t, handler);
      const socket = await plain(t, rig.server.addr);
      socket.write('x');
      await waitUntil(() => code !== undefined, 'the upgrade is refused');
      assert.equal(code, 'ErrConnClosed');
    }
  });

  test('waits for nothing of a connection that has closed, whose slot another one has', async (t) => {
    const opened: Conn[] = [];
    const handler: EventHandler = { onOpened: (c) => void opened.push(c) };
    const rig = await startRig(t, handler);
    const first = await plain(t, rig.server.addr);
    await waitUntil(() => opened.length === 1, 'the first');
    first.resetAndDestroy();
    await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
    const [gone] = opened as unknown as StreamConnection[];
    await gone?.clearOutbound();
    await plain(t, rig.server.addr);
    await waitUntil(() => opened.length === 2, 'the second');
    const other = opened[1] as Conn;
    other.asyncWrite('under way');
    other.flush();
    await gone?.clearOutbound();
  });
});

describe('examples/starttls.ts', () => {
  test('openssl s_client goes over to TLS', { skip: missing('openssl') }, async (t) => {
    const files = writeFiles(t);
    const example = await spawnExample('examples/starttls.ts', [
      '--host',
      '127.0.0.1',
      '--tls',
      `${files.cert},${files.key}`,
    ]);
    const args = ['s_client', '-starttls', 'smtp', '-connect', `127.0.0.1:${example.port}`];
    const { stdout } = await runClient('openssl', [...args, '-CAfile', files.ca], 'QUIT\r\n');
    assert.match(stdout.toString(), /Verify(?: return code: 0|cation: OK)/);
    assert.equal(await example.stop(), 0);
  });
});

async function readPlain(socket: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < count) {
    const piece = socket.read(Math.min(count - length, socket.readableLength)) as Buffer | null;
    if (piece === null) await once(socket, 'readable');
    else {
      pieces.push(piece);
      length += piece.length;
    }
  }
  return Buffer.concat(pieces);
}

/** The first message of a client of node:tls. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = tls.connect({ port, host: '127.0.0.1', servername: 'localhost' });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** A server of node:net that goes over to node:tls, and echoes then. */
async function starttlsServer(t: TestScope): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    t.after(() => socket.destroy());
    socket.once('data', () => {
      socket.write('go\n');
      const secured = new tls.TLSSocket(socket, {
        isServer: true,
        secureContext: tls.createSecureContext(identity),
      });
      secured.on('error', () => {});
      secured.pipe(secured);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `tcp://localhost:${(server.address() as { port: number }).port}`;
}

/** When the clear bytes are out, and before the client begins its handshake or in the middle of it. */
async function endLater(c: Conn, writes: boolean): Promise<void> {
  await waitUntil(() => c.outboundBuffered() === 0, 'the clear bytes are out');
  // Writes are taken from then on.
  if (writes) await waitUntil(() => c.asyncWrite('bye'), 'a write is taken');
  c.end();
}
