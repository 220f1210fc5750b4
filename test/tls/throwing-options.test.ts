/** Options that are functions of the program, and that throw: one handshake fails, everybody else goes on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Options } from 'gnet';
import { rejection, startClient } from '../support/client-rig.ts';
import { codeOf, EchoHandler, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { beginTls, ca, connectTls, identity, readBytes, startTls } from './tls-rig.ts';

type ServerTls = NonNullable<Options['tls']>;
type SniCallback = NonNullable<ServerTls['SNICallback']>;

function thrower(): never {
  throw new Error('a fault of the program');
}

/** What the first client meets; those that come later are served. */
const faults: Readonly<Record<string, (isFirst: () => boolean) => ServerTls>> = {
  'a keylog': (isFirst) => ({ keylog: () => (isFirst() ? thrower() : undefined) }),
  'an SNICallback': (isFirst) => ({
    SNICallback: (_name, callback) => (isFirst() ? thrower() : callback(null, identity)),
  }),
  'an async SNICallback, before it answers': (isFirst) => ({
    async SNICallback(_name: string, callback: Parameters<SniCallback>[1]) {
      await Promise.resolve();
      if (isFirst()) thrower();
      callback(null, identity);
    },
  }),
  'an SNICallback with options that are none': (isFirst) => ({
    SNICallback: (_name, callback) =>
      callback(null, isFirst() ? ('no options' as never) : identity),
  }),
};

async function isServed(t: TestScope, address: string): Promise<void> {
  const socket = await connectTls(t, address);
  socket.write('hello');
  assert.equal((await readBytes(socket, 5)).toString(), 'hello');
  socket.end();
}

describe('of a server', () => {
  for (const [what, options] of Object.entries(faults)) {
    test(`${what} that throws ends that handshake alone`, async (t) => {
      let first = true;
      const rig = await startTls(t, new EchoHandler(), { tls: options(() => first) });
      // Its hello, and what comes behind it in the same piece, must be nobody else's.
      const refused = beginTls(t, rig.server.addr);
      await new Promise((resolve) => refused.once('close', resolve));
      await waitUntil(() => rig.reports.length === 1, 'reported');
      const { err } = rig.reports[0] as { err: unknown };
      assert.match(codeOf(err), /^(?:ErrTlsHandshake|ErrInvalidOption)$/);
      assert.match(String((err as Error).cause ?? err), /a fault of the program|options/);
      first = false;
      for (let count = 0; count < 3; count++) await isServed(t, rig.server.addr);
      await waitUntil(() => rig.server.countConnections() === 0, 'gone');
      assert.equal(rig.events.filter((event) => event === 'open').length, 3);
    });
  }
});

describe('of a client', () => {
  const own: Readonly<Record<string, (isFirst: () => boolean) => object>> = {
    keylog: (isFirst) => ({ keylog: () => (isFirst() ? thrower() : undefined) }),
    checkServerIdentity: (isFirst) => ({
      checkServerIdentity: () => (isFirst() ? thrower() : undefined),
    }),
  };
  for (const [what, options] of Object.entries(own)) {
    test(`${what} that throws rejects that dial alone`, async (t) => {
      let first = true;
      const rig = await startTls(t, new EchoHandler());
      const tls = { ca, ...options(() => first) };
      const { client, events } = await startClient(t, {}, { tls });
      const address = `tls://localhost:${rig.server.addr.split(':').at(-1)}`;
      const error = await rejection(client.dial(address));
      assert.match(codeOf(error), /^ErrTls(?:Handshake|Certificate)$/);
      assert.match((error as Error).message, /a fault of the program/);
      first = false;
      const c = await client.dial(address);
      assert.ok(c.tls?.authorized);
      assert.deepEqual(events, ['init', 'open']);
    });
  }
});
