/** Peers that go away in the middle: of the handshake at any byte, and of an open session. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { codeOf, EchoHandler, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { beginTls, connectTls, readBytes, startTls } from './tls-rig.ts';

interface Cut {
  /** Whose bytes are counted. */
  readonly from: 'client' | 'server';
  readonly bytes: number;
  readonly how: 'end' | 'reset';
}

/** A relay that passes on so many bytes of one side, then ends or resets both. */
async function cuttingRelay(t: TestScope, address: string, cut: Cut): Promise<string> {
  const port = Number(address.split(':').at(-1));
  const relay = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port });
    const both = [near, far];
    for (const socket of both) socket.on('error', () => {});
    t.after(() => both.forEach((socket) => void socket.destroy()));
    const [counted, to] = cut.from === 'client' ? [near, far] : [far, near];
    const over = (): void => {
      for (const socket of both) {
        if (cut.how === 'reset') socket.resetAndDestroy();
        else socket.destroySoon();
      }
    };
    let left = cut.bytes;
    counted.on('data', (bytes: Buffer) => {
      const passed = bytes.subarray(0, left);
      left -= passed.length;
      to.write(passed);
      if (left === 0) over();
    });
    (counted === near ? far : near).on('data', (bytes: Buffer) => (counted as Socket).write(bytes));
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.close());
  return `127.0.0.1:${(relay.address() as { port: number }).port}`;
}

/** What of a server's log, and of `onClosed`, may come of it. */
const expected = /^(?:ErrTlsHandshake|ErrTlsTruncated|ErrTlsAlert|ECONNRESET|EPIPE)$/;

describe('a peer that goes away', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const how of ['end', 'reset'] as const) {
      test(`${version}, ${how}: at any byte of the handshake, and the next one is served`, async (t) => {
        const rig = await startTls(t, new EchoHandler());
        const only = { minVersion: version, maxVersion: version };
        // The client's messages have some 400 bytes, the server's some 1,500.
        const cuts: Cut[] = [];
        for (const bytes of [1, 5, 6, 100, 250, 320, 400, 480]) {
          cuts.push({ from: 'client', bytes, how });
        }
        for (const bytes of [1, 5, 90, 130, 500, 1_100, 1_400, 1_700]) {
          cuts.push({ from: 'server', bytes, how });
        }
        for (const cut of cuts) {
          const relay = await cuttingRelay(t, rig.server.addr, cut);
          const socket = beginTls(t, relay, only);
          socket.on('secureConnect', () => socket.write('x'.repeat(2_000)));
          socket.resume();
          await new Promise((resolve) => socket.once('close', resolve));
          await waitUntil(() => rig.server.countConnections() === 0, `gone after ${cut.bytes}`);
        }
        for (const { err } of rig.reports) assert.match(codeOf(err), expected);
        for (const error of rig.closeErrors) {
          if (error !== undefined) assert.match(codeOf(error), expected);
        }
        assert.ok(rig.reports.length > 0, 'some are reported');
        const socket = await connectTls(t, rig.server.addr, only);
        socket.write('hello');
        assert.equal((await readBytes(socket, 5)).toString(), 'hello');
      });
    }
  }
});
