/** Memory that the program, or its codec, uses again: each broadcast sends what was there at the call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedLengthFrameCodec, type FrameSource, type ICodec, prepare, SyscallError } from 'gnet';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import { takeBack } from '../../src/connection/taking-back.ts';
import { connect, pair, startRig, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Encodes into the same memory each time. */
class Scratch implements ICodec {
  readonly sharesEncoding = true;
  readonly #memory: Buffer = Buffer.alloc(4);
  encode(_c: FrameSource, buf: Uint8Array): Uint8Array {
    this.#memory.set(buf);
    return this.#memory;
  }
  decode(): null {
    return null;
  }
}

async function clientsOf(t: TestScope, codec: ICodec) {
  const rig = await startRig(t, {}, { codec });
  const clients = [await connect(t, rig), await connect(t, rig)];
  await waitUntil(() => rig.server.countConnections() === 2, 'both connections');
  return { rig, clients };
}

test('of a program', async (t) => {
  const { rig, clients } = await clientsOf(t, new FixedLengthFrameCodec(4));
  const packet = Buffer.alloc(4);
  for (let tick = 1; tick <= 5; tick++) {
    packet.writeUInt32BE(tick);
    rig.server.broadcast(packet);
    packet.writeUInt32BE(0);
    for (const client of clients) {
      assert.equal((await client.readExactly(4)).readUInt32BE(), tick);
    }
  }
  for (const tick of [6, 7]) {
    packet.writeUInt32BE(tick);
    rig.server.broadcast(packet);
  }
  for (const client of clients) {
    assert.equal(String((await client.readExactly(8)).toString('hex')), '0000000600000007');
  }
});

test('of a codec', async (t) => {
  const { rig, clients } = await clientsOf(t, new Scratch());
  for (const text of ['aaaa', 'bbbb', 'cccc']) rig.server.broadcast(prepare(text));
  for (const client of clients) {
    assert.equal(String(await client.readExactly(12)), 'aaaabbbbcccc');
  }
});

test('of which there is none when a send comes back in front of it: the connection breaks off', async (t) => {
  const { rig, c } = await pair(t);
  const record = c as unknown as StreamConnection;
  const { queues, readPool } = record.owner;
  const queue = queues.take();
  queue.push = () => {
    throw new SyscallError('ENOMEM', 'no memory for a buffer', { syscall: 'mmap' });
  };
  queues.take = () => queue;
  rig.server.broadcast('to all');
  assert.equal(c.outboundBuffered(), 6);
  const slab = readPool.take();
  assert.equal(takeBack(record, slab, 0, 10), false);
  readPool.release(slab);
  assert.equal(c.isClosed, true);
  await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
  assert.match(String(rig.closeErrors[0]?.message), /no memory/);
});
