/** There is no memory for a slab, as mmap(2) says: who needs it fails alone, and later it is fine. */
import assert from 'node:assert/strict';
import { afterEach, describe, mock, test } from 'node:test';
import type { Conn } from 'gnet';
import { SyscallError } from '../../src/base/errors.ts';
import { OutboundQueue } from '../../src/buffer/outbound-queue.ts';
import { SlabPool } from '../../src/buffer/slab.ts';
import { heapSlabs } from '../../src/driver/simulated/slabs.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

function refuse(): never {
  const message = 'cannot map 65536 bytes: out of memory (mmap: ENOMEM)';
  throw new SyscallError('ENOMEM', message, { syscall: 'mmap', errno: 12 });
}

/** Until the test ends, or the returned function is called. */
function withoutMemory(): () => void {
  const mocked = mock.method(SlabPool.prototype, 'take', refuse);
  return () => mocked.mock.restore();
}

describe('no memory for a slab', () => {
  afterEach(() => mock.restoreAll());

  test('a queue that could not take bytes goes on with those it has', () => {
    const queue = new OutboundQueue(heapSlabs(16));
    queue.push(Buffer.from('0123456789'), 0, 10);
    const restore = withoutMemory();
    assert.throws(() => queue.push(Buffer.from('abcdefghij'), 0, 10), { code: 'ENOMEM' });
    assert.throws(() => queue.reserve(10), { code: 'ENOMEM' });
    restore();
    queue.checkInvariants();
    queue.consume(queue.length);
    queue.push(Buffer.from('again'), 0, 5);
    queue.checkInvariants();
    assert.equal(queue.length, 5);
  });

  for (const [what, write] of [
    ['asyncWrite', (c: Conn) => void c.asyncWrite(Buffer.alloc(100))],
    ['writeNoCodec', (c: Conn) => void c.writeNoCodec(Buffer.alloc(100))],
    ['flushWrite', (c: Conn) => void c.flushWrite(Buffer.alloc(100)).catch(() => {})],
  ] as const) {
    test(`${what} breaks its connection and nothing else`, async (t) => {
      const conns: Conn[] = [];
      const rig = await startRig(t, { onOpened: (c) => void conns.push(c), react: (f) => f });
      const [first, second] = [await connect(t, rig), await connect(t, rig)];
      await waitUntil(() => conns.length === 2, 'both are open');
      const restore = withoutMemory();
      write(conns[0] as Conn);
      restore();
      await first.untilClosed();
      assert.deepEqual(rig.events.slice(-1), ['closed(ENOMEM)']);
      second.write('hello');
      assert.equal(String(await second.readExactly(5)), 'hello');
    });
  }

  test('an answer breaks its connection and nothing else', async (t) => {
    let restore: () => void = () => {};
    const rig = await startRig(t, {
      react(frame) {
        if (String(frame) === 'hello') return frame;
        restore = withoutMemory();
        return Buffer.alloc(100);
      },
      onClosed: () => restore(),
    });
    const [first, second] = [await connect(t, rig), await connect(t, rig)];
    first.write('x');
    await first.untilClosed();
    assert.deepEqual(rig.events.slice(-1), ['closed(ENOMEM)']);
    second.write('hello');
    assert.equal(String(await second.readExactly(5)), 'hello');
  });

  test('what arrives waits until there is memory to read into', async (t) => {
    const settled: (() => void)[] = [];
    const rig = await startRig(t, {
      // The frame stays lent, so that the next read needs other memory.
      react: (frame) => new Promise((resolve) => settled.push(() => resolve(frame))),
    });
    const [first, second] = [await connect(t, rig), await connect(t, rig)];
    first.write(Buffer.alloc(8_192, 1));
    await waitUntil(() => settled.length === 1, 'the frame is lent');
    const restore = withoutMemory();
    second.write('hello');
    await new Promise((resolve) => setTimeout(resolve, 50));
    restore();
    await waitUntil(() => settled.length === 2, 'the other is read');
    for (const settle of settled) settle();
    assert.equal(String(await second.readExactly(5)), 'hello');
    assert.equal((await first.readExactly(8_192)).length, 8_192);
    assert.deepEqual(rig.reports, []);
  });

  test('datagrams wait until there is memory to receive them', async (t) => {
    const settled: (() => void)[] = [];
    const rig = await startRig(
      t,
      // The datagrams stay lent, so that the next ones need other memory.
      { react: (frame) => new Promise((resolve) => settled.push(() => resolve(frame))) },
      {},
      'udp://127.0.0.1:0',
    );
    const client = await DatagramClient.open(t);
    const count = 150; // more than one batch holds
    const restore = withoutMemory();
    for (let number = 0; number < count; number++) await client.send(rig.server.addr, `${number}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    restore();
    await waitUntil(() => settled.length === count, 'all of them');
    for (const settle of settled) settle();
    const answers = new Set<string>();
    while (answers.size < count) answers.add(String(await client.next()));
    assert.deepEqual(rig.reports, []);
    const { datagramsReceived } = rig.server.stats().loops[0] ?? {};
    assert.equal(datagramsReceived, count);
  });
});
