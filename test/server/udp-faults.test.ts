/** Dialled sockets of datagrams where something goes wrong. */
import assert from 'node:assert/strict';
import { closeSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ErrInvalidOption, type EventHandler } from 'gnet';
import { startClient } from '../support/client-rig.ts';
import { notOn } from '../support/driver.ts';
import { missing } from '../support/outside-client.ts';
import { Program } from '../support/program.ts';
import { codeOf, pair, startRig } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

test('an address that cannot be connected to rejects the dial, and the next one works', async (t) => {
  const { client, events } = await startClient(t);
  // Link-local, and nobody says by which interface.
  await assert.rejects(client.dial('udp://[fe80::1]:9'), { code: 'EINVAL' });
  assert.deepEqual(events, ['init']);
  const c = await client.dial('udp://127.0.0.1:9');
  assert.equal(c.remoteAddr, '127.0.0.1:9');
});

test('a broadcast address can be dialled', async (t) => {
  const { client } = await startClient(t);
  const c = await client.dial('udp4://255.255.255.255:9');
  assert.equal(c.remoteAddr, '255.255.255.255:9');
});

const sockets = '/proc/self/net/udp';
const noPeer = {
  skip: missing('python3') || (process.platform !== 'linux' && 'nobody says what is bound'),
};

/** Nothing else has a turn on this thread until the socket at that port is gone. */
function blockUntilGone(port: number): void {
  const bound = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  const end = performance.now() + 10_000;
  while (readFileSync(sockets, 'latin1').includes(`0100007F${bound}00000000`)) {
    assert.ok(performance.now() < end, 'the peer is still there');
  }
}

for (const how of ['one by one', 'together'] as const) {
  test(`a refusal is told to whom it concerns, though others fill the batch: ${how}`, async (t) => {
    let taken = 0;
    const errors: string[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        // As long as a datagram may not be.
        if (String(frame) === 'big') c.sendTo(Buffer.alloc(65_520));
        else if (how === 'one by one') taken += Number(c.sendTo('small'));
        else taken += c.sendAll(Array(63).fill('small'));
      },
      onError: (c, error) => void errors.push(`${c.remoteAddr} ${codeOf(error)}`),
    };
    const rig = await startRig(t, handler, { udpSessions: true }, 'udp://127.0.0.1:0');
    const { client } = await startClient(t);
    const address = `udp://${rig.server.addr}`;
    const [one, other] = [await client.dial(address), await client.dial(address)];
    one.sendTo('big');
    for (let count = 0; count < (how === 'together' ? 1 : 63); count++) other.sendTo('x');
    await waitUntil(() => taken === 63 && errors.length > 0, 'every answer');
    await settle(20);
    assert.deepEqual(errors, [`${one.localAddr} EMSGSIZE`]);
    assert.equal(taken, 63, 'and none beyond');
  });
}

test('a refusal inside react is told when its batch goes out', async (t) => {
  const errors: string[] = [];
  const handler: EventHandler = {
    react: () => Buffer.alloc(65_520),
    onError: (c, error) => void errors.push(`${c.remoteAddr} ${codeOf(error)}`),
  };
  const rig = await startRig(t, handler, { udpSessions: true }, 'udp://127.0.0.1:0');
  const { client } = await startClient(t);
  const c = await client.dial(`udp://${rig.server.addr}`);
  c.sendTo('x');
  await waitUntil(() => errors.length > 0, 'onError');
  await settle(20);
  assert.deepEqual(errors, [`${c.localAddr} EMSGSIZE`]);
});

test('what had arrived is handled by a stop, though the peer is gone', noPeer, async (t) => {
  const script = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))
print('port', s.getsockname()[1], flush=True)
_, peer = s.recvfrom(100)
for part in (b'one', b'two', b'three'): s.sendto(part, peer)
s.close(); sys.stdin.read()`;
  const peer = new Program(t, 'python3', ['-c', script], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [text] = await peer.line(/^port (\d+)$/m);
  const port = Number(text);
  const heard: string[] = [];
  const handler: EventHandler = { react: (frame) => void heard.push(String(frame)) };
  const { client } = await startClient(t, handler);
  const c = await client.dial(`udp://127.0.0.1:${port}`);
  c.sendTo('go');
  blockUntilGone(port); // three datagrams wait now
  // Nobody is there any more, which the kernel tells ahead of what waits.
  c.sendTo('late');
  await client.stop();
  assert.deepEqual(heard, ['one', 'two', 'three']);
});

test(
  'register refuses a wrong handler before the descriptor is its own',
  notOn('node', 'its sockets have no descriptors'),
  async (t) => {
    const { c } = await pair(t);
    const { socketPair } = await import('../../src/syscall/socket.ts');
    const [ours, theirs] = socketPair() as readonly [number, number];
    const wrong = { handler: { react: 5 } as never };
    await assert.rejects(c.loop.register(ours, wrong), ErrInvalidOption);
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(c.loop.register(ours, { signal }), /enough/);
    assert.deepEqual([...c.loop.connections()], [c]);
    closeSync(ours);
    closeSync(theirs);
  },
);
