/** Connections that do not come about: what `dial` rejects with, and that nothing of them is left. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, test } from 'node:test';
import { type DialOptions, ErrTimeout, GnetError, SyscallError } from 'gnet';
import {
  deadAddress,
  foreignServer,
  rejection,
  silentAddress,
  startClient,
} from '../support/client-rig.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { codeOf, EchoHandler, startRig, temporaryDirectory } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

describe('dial that fails', () => {
  test('says what the kernel said, calls no event, leaves nothing open', async (t) => {
    const refused = await deadAddress();
    const path = `${temporaryDirectory(t)}/nobody.sock`;
    const { client: dialler, events } = await startClient(t);
    await rejection(dialler.dial(refused)); // what is opened once per process
    const before = openDescriptors();
    const cases = [
      [refused, 'ECONNREFUSED', refused],
      [`unix://${path}`, 'ENOENT', path],
      ['unix://@gnet-nobody-listens-here', 'ECONNREFUSED', '@gnet-nobody-listens-here'],
    ] as const;
    for (const [given, code, address] of cases) {
      const error = await rejection(dialler.dial(given));
      assert.ok(error instanceof SyscallError, String(error));
      assert.deepEqual([error.code, error.syscall, error.address], [code, 'connect', address]);
      assert.ok((error.errno ?? 0) > 0);
      assert.match(error.message, /^cannot connect to /);
    }
    assert.deepEqual(events, ['init']);
    assert.equal(dialler.countConnections(), 0);
    await assertNoNewDescriptors(before);
  });

  test('a slot is never used again under the same id', async (t) => {
    const refused = await deadAddress();
    const server = await startRig(t, new EchoHandler());
    const { client: dialler } = await startClient(t);
    const ids = new Set<number>();
    for (let count = 0; count < 20; count++) {
      if (count % 2 === 0) await rejection(dialler.dial(refused));
      const c = await dialler.dial(server.server.addr);
      assert.ok(!ids.has(c.id));
      ids.add(c.id);
      c.close();
      await waitUntil(() => dialler.countConnections() === 0, 'closed');
    }
  });

  const badAddresses: readonly (readonly [string, string])[] = [
    ['http://127.0.0.1:80', 'ErrUnsupportedProtocol'],
    ['udp://127.0.0.1', 'ErrInvalidNetworkAddress'],
    ['127.0.0.1', 'ErrInvalidNetworkAddress'],
    ['tcp://127.0.0.1:0', 'ErrInvalidNetworkAddress'],
    ['tcp6://127.0.0.1:80', 'ErrInvalidNetworkAddress'],
    ['unix://', 'ErrInvalidNetworkAddress'],
    [undefined as unknown as string, 'ErrInvalidNetworkAddress'],
  ];
  for (const [address, code] of badAddresses) {
    test(`${address}: ${code}`, async (t) => {
      const { client: dialler } = await startClient(t);
      const error = await rejection(dialler.dial(address));
      assert.ok(error instanceof GnetError, String(error));
      assert.equal(error.code, code);
    });
  }

  const badOptions: readonly DialOptions[] = [
    { timeout: -1 },
    { timeout: Number.NaN },
    { timeout: '5' as unknown as number },
    { timeout: 2 ** 31 },
    { signal: {} as AbortSignal },
    null as unknown as DialOptions,
  ];
  for (const options of badOptions) {
    test(`${JSON.stringify(options)}: ErrInvalidOption`, async (t) => {
      const { client: dialler } = await startClient(t);
      const error = await rejection(dialler.dial('127.0.0.1:1', options));
      assert.equal(codeOf(error), 'ErrInvalidOption');
    });
  }

  test('a codec function that throws: ErrCodec, no event', async (t) => {
    const { address, sockets } = await foreignServer(t);
    const { client: dialler, events } = await startClient(
      t,
      {},
      {
        codec: () => {
          throw new Error('no codec today');
        },
      },
    );
    const error = await rejection(dialler.dial(address));
    assert.equal(codeOf(error), 'ErrCodec');
    await waitUntil(() => sockets[0]?.destroyed === true, 'the peer sees that it is gone');
    assert.deepEqual(events, ['init']);
    assert.equal(dialler.countConnections(), 0);
  });
});

describe('dial that is given up', () => {
  test('by its timeout, its signal, or the stop of the client, leaves nothing open', async (t) => {
    const silent = await silentAddress(t);
    const { client: dialler, events } = await startClient(t);
    await rejection(dialler.dial(silent, { timeout: 1 })); // what is opened once per process
    const before = openDescriptors();
    const late = await rejection(dialler.dial(silent, { timeout: 20 }));
    assert.ok(late instanceof ErrTimeout);
    assert.equal(late.address, silent);
    const controller = new AbortController();
    const aborted = rejection(dialler.dial(silent, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('changed my mind')), 10);
    assert.equal(String(await aborted), 'Error: changed my mind');
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    await assertNoNewDescriptors(before);
    const pending = rejection(dialler.dial(silent));
    await settle(10);
    assert.deepEqual(await dialler.stop(), { forced: 0 });
    assert.equal(codeOf(await pending), 'ErrServerInShutdown');
    assert.deepEqual(events, ['init', 'shutdown']);
  });

  test('a signal that has aborted before: nothing is tried', async (t) => {
    const { client: dialler } = await startClient(t);
    const signal = AbortSignal.abort(new Error('never mind'));
    assert.equal(
      String(await rejection(dialler.dial('127.0.0.1:1', { signal }))),
      'Error: never mind',
    );
  });

  test('while the name is looked up', async (t) => {
    const { client: dialler } = await startClient(t);
    const controller = new AbortController();
    const dialled = rejection(dialler.dial('localhost:1', { signal: controller.signal }));
    controller.abort(new Error('at once'));
    assert.equal(String(await dialled), 'Error: at once');
  });

  test('a signal that outlives many dials keeps nothing of them', async (t) => {
    const server = await startRig(t, new EchoHandler());
    const { client: dialler } = await startClient(t);
    const { signal } = new AbortController();
    for (let count = 0; count < 3; count++) await dialler.dial(server.server.addr, { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });
});
