/** Clients with TLS: against our own servers and against node:tls. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as tls from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { ClientOptions, Conn, EventHandler } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { rejection, startClient } from '../support/client-rig.ts';
import { codeOf, temporaryDirectory, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { ca, clientIdentity, cutter, identity, startTls } from './tls-rig.ts';

const echo: EventHandler = { react: (frame) => frame };

/** What a client received, as text. */
function gathering(): { handler: EventHandler; text(): string } {
  let got = '';
  return {
    handler: {
      react(frame) {
        got += String(frame);
      },
    },
    text: () => got,
  };
}

async function foreign(t: TestScope, options: tls.TlsOptions): Promise<string> {
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
    t.after(() => socket.destroy());
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `tls://localhost:${(server.address() as { port: number }).port}`;
}

const dialling = (t: TestScope, handler: EventHandler, own: ClientOptions['tls'] = {}) =>
  startClient(t, handler, { tls: { ca, ...own } });

describe('dial with TLS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: with node:tls, ALPN and SNI, and what was agreed on`, async (t) => {
      const names: string[] = [];
      const address = await foreign(t, {
        ...identity,
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['echo'],
        SNICallback: (name, done) => {
          names.push(name);
          done(null);
        },
      });
      const { handler, text } = gathering();
      const rig = await dialling(t, handler, { ALPNProtocols: ['h2', 'echo'] });
      const c = await rig.client.dial(address);
      assert.deepEqual(rig.events, ['init', 'open']);
      const info = c.tls;
      assert.equal(info?.protocol, version);
      assert.equal(info?.alpnProtocol, 'echo');
      assert.equal(info?.authorized, true);
      assert.equal(info?.servername, 'localhost');
      assert.ok(info?.peerCertificate instanceof X509Certificate);
      assert.deepEqual(names, ['localhost']);
      c.asyncWrite('over and back');
      await waitUntil(() => text() === 'over and back', 'the echo');
      c.close();
      await waitUntil(() => rig.events.includes('closed'), 'closed');
      assert.equal(rig.client.stats().tls?.handshakes, 1);
    });
  }

  test('what onOpened answers arrives, at our own server with a client certificate', async (t) => {
    const seen: (string | undefined)[] = [];
    const server = await startTls(
      t,
      {
        onOpened: (c) => void seen.push(c.tls?.peerCertificate?.subject),
        react: (frame) => frame,
      },
      { tls: { requestCert: true } },
    );
    const { handler, text } = gathering();
    const own = { ...handler, onOpened: () => 'hello' };
    const rig = await dialling(t, own, clientIdentity);
    const context = { tag: 1 };
    const c = await rig.client.dial(`tls://${server.server.addr}`, { context });
    assert.equal(c.context, context);
    await waitUntil(() => text() === 'hello', 'the echo');
    assert.deepEqual(seen, ['CN=test client']);
  });

  test('the second connection resumes the session of the first', async (t) => {
    const server = await startTls(t, { onOpened: () => 'x', ...echo });
    const { handler, text } = gathering();
    const rig = await dialling(t, handler);
    const address = `tls://${server.server.addr}`;
    const first = await rig.client.dial(address);
    assert.equal(first.tls?.resumed, false);
    await waitUntil(() => text() === 'x', 'a byte behind the tickets');
    const second = await rig.client.dial(address);
    assert.equal(second.tls?.resumed, true);
  });

  const strangers = makeFamily();
  const refusals: readonly [string, ClientOptions['tls'] & object, string, RegExp][] = [
    ['nobody trusted', { ca: strangers.root.cert }, 'localhost', /CERT_SIGNATURE_FAILURE/],
    ['another name', { servername: 'other.test' }, 'localhost', /HOSTNAME_MISMATCH/],
    [
      'the look of the program',
      { checkServerIdentity: () => new Error('not today') },
      'localhost',
      /not today/,
    ],
  ];
  for (const [what, options, host, message] of refusals) {
    test(`${what}: dial rejects with ErrTlsCertificate, and no event`, async (t) => {
      const address = (await foreign(t, identity)).replace('localhost', host);
      const rig = await dialling(t, echo, options);
      const error = await rejection(rig.client.dial(address));
      assert.equal(codeOf(error), 'ErrTlsCertificate');
      assert.match(`${(error as { reason: string }).reason} ${(error as Error).message}`, message);
      await waitUntil(() => rig.client.countConnections() === 0, 'nothing is left');
      assert.deepEqual([rig.events, rig.reports], [['init'], []]);
      assert.equal(rig.client.stats().tls?.failures, 1);
    });
  }

  test('without options the roots of the runtime count', async (t) => {
    const rig = await startClient(t, echo);
    const error = await rejection(rig.client.dial(await foreign(t, identity)));
    assert.equal(codeOf(error), 'ErrTlsCertificate');
  });

  test('rejectUnauthorized: false goes on, and c.tls says what is wrong', async (t) => {
    const rig = await startClient(t, echo, { tls: { rejectUnauthorized: false } });
    const c = await rig.client.dial(await foreign(t, identity));
    assert.equal(c.tls?.authorized, false);
    assert.match(c.tls?.authorizationError ?? '', /UNABLE|SELF_SIGNED/);
  });

  test('plain text, an alert, an end and silence are typed errors', async (t) => {
    const rig = await dialling(t, echo, { handshakeTimeout: 500 });
    const { createServer } = await import('node:net');
    const answers: readonly [string, (socket: import('node:net').Socket) => void][] = [
      ['ErrTlsPlainText', (socket) => void socket.end('220 mail.test ESMTP\r\n')],
      ['ErrTlsHandshake', (socket) => void socket.end()],
      ['ErrTimeout', () => {}],
      ['ErrTlsAlert', (socket) => void socket.write(Buffer.from([21, 3, 3, 0, 2, 2, 40]))],
    ];
    for (const [code, answer] of answers) {
      const server = createServer((socket) => {
        t.after(() => socket.destroy());
        socket.on('error', () => {});
        socket.once('data', () => answer(socket));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const error = await rejection(rig.client.dial(`tls://localhost:${port}`));
      assert.equal(codeOf(error), code, String(error));
      server.close();
    }
    await waitUntil(() => rig.client.countConnections() === 0, 'nothing is left');
    assert.deepEqual(rig.events, ['init']);
  });

  test('giving up in the handshake: signal, timeout and stop', async (t) => {
    const { createServer } = await import('node:net');
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      t.after(() => socket.destroy());
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    t.after(() => silent.close());
    const address = `tls://127.0.0.1:${(silent.address() as { port: number }).port}`;
    const rig = await dialling(t, echo);
    const abort = new AbortController();
    const aborted = rejection(rig.client.dial(address, { signal: abort.signal }));
    await waitUntil(() => rig.client.countConnections() === 1, 'shaking hands');
    abort.abort(new Error('enough'));
    assert.match(String(await aborted), /enough/);
    assert.equal(codeOf(await rejection(rig.client.dial(address, { timeout: 50 }))), 'ErrTimeout');
    const stopped = rejection(rig.client.dial(address));
    await waitUntil(() => rig.client.countConnections() === 1, 'shaking hands');
    await rig.client.stop();
    assert.equal(codeOf(await stopped), 'ErrServerInShutdown');
    assert.deepEqual(rig.events, ['init', 'shutdown']);
  });

  test('unix:// with tls, and a server that cuts the connection off', async (t) => {
    const path = join(temporaryDirectory(t), 'tls.sock');
    const unix = await startTls(t, echo, {}, `unix://${path}`);
    const { handler, text } = gathering();
    const rig = await dialling(t, handler, { servername: 'localhost' });
    const c = await rig.client.dial(`unix://${unix.server.addr}`, { tls: true });
    c.asyncWrite('by path');
    await waitUntil(() => text() === 'by path', 'the echo');
    c.close();
    const behind = await startTls(t, echo);
    const relay = await cutter(t, behind.server.addr);
    const closed: (Error | undefined)[] = [];
    const other = await dialling(t, { onClosed: (_c: Conn, error) => void closed.push(error) });
    await other.client.dial(`tls://${relay.address}`);
    relay.cutBack();
    await waitUntil(() => closed.length === 1, 'closed');
    assert.equal(codeOf(closed[0]), 'ErrTlsTruncated');
  });

  test('options that do not fit are refused by client() and dial', async (t) => {
    await assert.rejects(startClient(t, echo, { tls: { ca: '/nowhere.pem' } }), /nowhere\.pem/);
    const rig = await startClient(t, echo);
    const tls = 'yes' as unknown as boolean;
    await assert.rejects(rig.client.dial('tls://localhost:1', { tls }), {
      code: 'ErrInvalidOption',
    });
  });
});
