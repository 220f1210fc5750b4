/** What stands between a connection and its driver: a layer that changes every byte on its way. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { GnetError } from '../../src/base/errors.ts';
import type { OutboundQueue } from '../../src/buffer/outbound-queue.ts';
import type { Slab } from '../../src/buffer/slab.ts';
import { LineBasedFrameCodec } from '../../src/codec/line-based-frame-codec.ts';
import type { Conn } from '../../src/connection/conn.ts';
import type { EventHandler } from '../../src/connection/conn.ts';
import type { Layer } from '../../src/connection/layer.ts';
import { PassThrough } from '../../src/connection/pass-through.ts';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import type { SimulatedPeer } from '../../src/driver/simulated/simulated-driver.ts';
import { type SimulatedLoop, simulatedLoop } from './simulated-loop.ts';

const key = 0x5a;
const changed = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ key));
/** What the peer says before the connection may begin. */
const greeting = 'hello';

/** Waits for a greeting in clear, then changes what is received and what is sent from memory. */
class ChangingLayer extends PassThrough implements Layer {
  #greeted = 0;

  opened(): void {}

  received(slab: Slab, start: number, end: number): void {
    const clear = Math.min(greeting.length - this.#greeted, end - start);
    this.#greeted += clear;
    if (clear > 0 && this.#greeted === greeting.length) this.connection.opened();
    const from = start + clear;
    if (from === end) return;
    for (let at = from; at < end; at++) slab.bytes[at] = (slab.bytes[at] as number) ^ key;
    this.connection.received(slab, from, end);
  }
  ended(): void {
    this.connection.ended();
  }
  writable(): void {
    this.connection.writable();
  }
  failed(error: GnetError): void {
    this.connection.failed(error);
  }

  send(slot: number, slab: Slab, offset: number, length: number): number {
    return this.below.sendBytes(slot, changed(slab.bytes.subarray(offset, offset + length)));
  }
  sendBytes(slot: number, bytes: Uint8Array): number {
    return this.below.sendBytes(slot, changed(bytes));
  }
  flush(slot: number, queue: OutboundQueue): boolean {
    while (queue.length > 0) {
      const { bytes, start, end } = queue.head as Slab;
      const taken = this.below.sendBytes(slot, changed(bytes.subarray(start, end)));
      if (taken > 0) queue.consume(taken);
      if (taken < end - start) return false;
    }
    return true;
  }
}

interface Session {
  readonly rig: SimulatedLoop;
  readonly peer: SimulatedPeer;
  readonly opened: Conn[];
  readonly ended: (Error | undefined)[];
}

function layered(react: EventHandler['react'] & object, seed: number): Session {
  const opened: Conn[] = [];
  const ended: (Error | undefined)[] = [];
  const rig = simulatedLoop(
    {
      onOpened: (c) => void opened.push(c),
      onClosed: (_c, error) => void ended.push(error),
      react,
    },
    {
      seed,
      connection: { codec: new LineBasedFrameCodec() },
      layers: (connection, below) => new ChangingLayer(connection, below),
    },
  );
  return { rig, peer: rig.connect(), opened, ended };
}

test('a layer decides when its connection begins, and the connection sees what the layer makes', async () => {
  const { rig, peer, opened } = layered((line) => `${line?.toString()}!`, 3);
  await rig.turns(3);
  assert.equal(opened.length, 0, 'not before the greeting');
  peer.write(Buffer.from(greeting.slice(0, 2)));
  await rig.turns(3);
  assert.equal(opened.length, 0);
  peer.write(Buffer.concat([Buffer.from(greeting.slice(2)), changed(Buffer.from('one\ntw'))]));
  await rig.turns(3);
  assert.equal(opened.length, 1);
  peer.write(changed(Buffer.from('o\n')));
  await rig.turns(3);
  assert.equal(changed(peer.take()).toString(), 'one!\ntwo!\n');
  assert.deepEqual(rig.deaths, []);
});

test('handles and the walk over connections find the connection, not its layer', async () => {
  const { rig, peer, opened } = layered(() => undefined, 4);
  peer.write(Buffer.from(greeting));
  await rig.turns(3);
  const [connection] = opened as [StreamConnection];
  assert.equal(rig.loop.connection(connection.slot, connection.generation), connection);
  assert.deepEqual(rig.loop.connections(), [connection]);
  connection.asyncWrite('from elsewhere');
  await rig.turns(3);
  assert.equal(changed(peer.take()).toString(), 'from elsewhere\n');
});

test('what the transport does not take waits, and a close under a layer flushes it first', async () => {
  const text = `${'0123456789'.repeat(300_000)}\n`;
  const { rig, peer, ended } = layered((_line, c) => {
    c.asyncWrite(text.slice(0, -1));
    c.close();
    return undefined;
  }, 5);
  peer.write(Buffer.concat([Buffer.from(greeting), changed(Buffer.from('go\n'))]));
  const parts: Buffer[] = [];
  for (let turn = 0; turn < 2_000 && ended.length === 0; turn++) {
    await rig.turns(1);
    parts.push(Buffer.from(peer.take()));
    if (peer.ended) peer.end();
  }
  assert.ok(changed(Buffer.concat(parts)).equals(Buffer.from(text)));
  assert.deepEqual(ended, [undefined]);
  assert.equal(rig.loop.connections().length, 0);
});
