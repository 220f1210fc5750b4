/** Options of servers with TLS that only show with a peer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { TlsContextOptions } from 'gnet';
import { makeFamily } from '../../testing/certificates.ts';
import { RawClient } from 'gnet/testing';
import { codeOf, EchoHandler, type TestScope } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { beginTls, connectTls, cutter, identity, readBytes, startTls } from './tls-rig.ts';

const versions = ['TLSv1.2', 'TLSv1.3'] as const;

describe('options of a server with TLS', () => {
  test('ignoreTruncation: an end without close_notify is one in order', async (t) => {
    let ends = 0;
    const handler = { react: (frame: Buffer | null) => frame, onEnd: () => void ends++ };
    const rig = await startTls(t, handler, { tls: { ignoreTruncation: true } });
    const relay = await cutter(t, rig.server.addr);
    const socket = await connectTls(t, relay.address);
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    relay.cut();
    await waitUntil(() => rig.events.length === 3, 'closed');
    assert.deepEqual([rig.events, ends], [['init', 'open', 'closed'], 1]);
  });

  test('plainTextAnswer goes out in clear to who speaks in clear, and to nobody else', async (t) => {
    const plainTextAnswer = 'HTTP/1.1 400 Bad Request\r\n\r\n';
    const rig = await startTls(t, new EchoHandler(), { tls: { plainTextAnswer } });
    const client = await RawClient.connect(rig.server.addr);
    t.after(() => client.destroy());
    client.write('GET / HTTP/1.1\r\n\r\n');
    assert.equal((await client.readUntilEnd()).toString(), plainTextAnswer);
    assert.equal(codeOf(rig.reports[0]?.err), 'ErrTlsPlainText');
    const socket = await connectTls(t, rig.server.addr);
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    await assert.rejects(
      startTls(t, {}, { tls: { plainTextAnswer: 'x'.repeat(5_000) } }),
      /plainTextAnswer/,
    );
  });

  test('the error of a handshake that failed names the client', async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const failures: readonly (readonly [string, (client: RawClient) => void])[] = [
      ['ErrTlsPlainText', (client) => client.write('EHLO here\r\n')],
      ['ErrTlsHandshake', (client) => client.write(Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]))],
    ];
    for (const [code, fail] of failures) {
      const client = await RawClient.connect(rig.server.addr);
      t.after(() => client.destroy());
      fail(client);
      await waitUntil(() => rig.reports.some(({ err }) => codeOf(err) === code), code);
      const error = rig.reports.find(({ err }) => codeOf(err) === code)?.err as Error;
      assert.equal((error as { address?: string }).address, client.localAddress);
      assert.ok(error.message.includes(`the client ${client.localAddress}`), error.message);
    }
  });

  test('a name whose context comes after setTls gets it', async (t) => {
    let answer: ((options: TlsContextOptions | null) => void) | undefined;
    const rig = await startTls(t, new EchoHandler(), {
      tls: {
        SNICallback(_name, callback) {
          answer = (options) => callback(null, options);
        },
      },
    });
    for (const options of [null, { key: identity.key, cert: identity.cert }]) {
      const socket = beginTls(t, rig.server.addr);
      await waitUntil(() => answer !== undefined, 'asked');
      await rig.server.setTls({ ...identity, SNICallback: (_name, done) => done(null) });
      answer?.(options);
      answer = undefined;
      await once(socket, 'secureConnect');
      await rig.server.setTls({
        ...identity,
        SNICallback(_name, callback) {
          answer = (given) => callback(null, given);
        },
      });
    }
  });

  for (const kind of ['rsa', 'rsa-pss', 'ed25519'] as const) {
    for (const version of versions) {
      test(`${version} with a key of the kind ${kind}`, async (t) => {
        const { leaf, middle, root } = makeFamily(kind);
        const own = { key: leaf.key, cert: leaf.cert + middle.cert, ca: root.cert };
        const rig = await startTls(t, new EchoHandler(), { tls: own });
        const only = { minVersion: version, maxVersion: version };
        const socket = await connectTls(t, rig.server.addr, { ca: root.cert, ...only });
        socket.write('hello');
        assert.equal((await readBytes(socket, 5)).toString(), 'hello');
      });
    }
  }
});

/** What a session came to, and the newest one to go on with. */
async function resume(t: TestScope, address: string, version: string, session?: Buffer) {
  const only = { minVersion: version, maxVersion: version } as { minVersion: 'TLSv1.3' };
  let kept: Buffer | undefined;
  const socket: TLSSocket = beginTls(t, address, { ...only, session });
  socket.on('session', (given: Buffer) => {
    kept = given;
  });
  await once(socket, 'secureConnect');
  socket.write('x');
  await readBytes(socket, 1);
  kept ??= socket.getSession();
  await waitUntil(() => kept !== undefined, 'a session');
  const resumed = socket.isSessionReused();
  socket.destroy();
  return { resumed, session: kept as Buffer };
}

test('ticket keys: made anew every 12 hours, and the last two are read', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const hour = 3_600_000;
  const rig = await startTls(t, new EchoHandler());
  for (const version of versions) {
    const { session: first } = await resume(t, rig.server.addr, version);
    t.mock.timers.tick(11 * hour);
    assert.equal((await resume(t, rig.server.addr, version, first)).resumed, true, 'the same key');
    t.mock.timers.tick(hour);
    const again = await resume(t, rig.server.addr, version, first);
    assert.equal(again.resumed, true, 'the key before');
    const { session: second } = await resume(t, rig.server.addr, version);
    t.mock.timers.tick(12 * hour);
    assert.equal((await resume(t, rig.server.addr, version, first)).resumed, false, 'gone');
    assert.equal((await resume(t, rig.server.addr, version, second)).resumed, true);
    t.mock.timers.tick(hour);
    await settle(1);
  }
});
