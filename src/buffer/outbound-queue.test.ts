import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutboundQueue } from './outbound-queue.ts';
import { type Slab, SlabPool } from './slab.ts';

const slabBytes = 8;
const newPool = () =>
  new SlabPool(slabBytes, {
    allocate: (byteLength) => ({ address: null, buffer: new ArrayBuffer(byteLength) }),
  });

/** A slab as a driver lends it: filled with one letter after the other. */
function received(pool: SlabPool, letters: string): Slab {
  const slab = pool.take();
  slab.bytes.write(letters, 'latin1');
  return slab;
}

function waiting(queue: OutboundQueue): string {
  queue.checkInvariants();
  let text = '';
  for (let slab = queue.head; slab !== null; slab = slab.next) {
    text += slab.bytes.toString('latin1', slab.start, slab.end);
  }
  return text;
}

const pushText = (queue: OutboundQueue, text: string) => {
  const bytes = Buffer.from(text, 'latin1');
  queue.push(bytes, 0, bytes.length);
};

test('lent bytes wait in place, in order with copied ones, and nothing is written behind them', () => {
  const pool = newPool();
  const queue = new OutboundQueue(pool);
  const slab = received(pool, 'abcdefgh');
  pushText(queue, '12');
  assert.ok(queue.pushLent(slab, 0, 5));
  pushText(queue, '34');
  queue.pushString('5');
  const reserved = queue.reserve(1);
  reserved.bytes[queue.reserved] = 0x36;
  assert.equal(waiting(queue), '12abcde3456');
  assert.equal(slab.bytes.toString('latin1'), 'abcdefgh');
  queue.consume(4);
  assert.equal(waiting(queue), 'cde3456');
  queue.consume(queue.length);
  assert.equal(waiting(queue), '');
});

test('texts and reservations begin in slabs of the queue also right behind lent bytes', () => {
  const pool = newPool();
  const queue = new OutboundQueue(pool);
  const [one, other] = [received(pool, 'abcdefgh'), received(pool, 'ABCDEFGH')];
  assert.ok(queue.pushLent(one, 0, 4));
  queue.pushString('1');
  assert.ok(queue.pushLent(other, 0, 4));
  queue.reserve(1).bytes[queue.reserved] = 0x32;
  assert.equal(waiting(queue), 'abcd1ABCD2');
  assert.equal(one.bytes.toString('latin1') + other.bytes.toString('latin1'), 'abcdefghABCDEFGH');
});

test('a lent slab is held until its bytes are sent, and once however often it is lent', () => {
  const pool = newPool();
  const queue = new OutboundQueue(pool);
  const slab = received(pool, 'abcdefgh');
  assert.ok(queue.pushLent(slab, 0, 4));
  assert.ok(queue.pushLent(slab, 4, 8), 'what follows it in the same slab');
  assert.equal(slab.references, 2);
  assert.equal(waiting(queue), 'abcdefgh');
  queue.consume(7);
  assert.equal(slab.references, 2);
  queue.consume(1);
  assert.equal(slab.references, 1);
  assert.ok(queue.pushLent(slab, 2, 6), 'again, when nothing of it waits');
  queue.clear();
  assert.equal(slab.references, 1);
  assert.equal(queue.length, 0);
});

test('a slab that waits is not lent a second time where that would need a second link', () => {
  const pool = newPool();
  const [first, second] = [new OutboundQueue(pool), new OutboundQueue(pool)];
  const slab = received(pool, 'abcdefgh');
  assert.ok(first.pushLent(slab, 0, 4));
  assert.equal(second.pushLent(slab, 4, 8), false);
  assert.equal(first.pushLent(slab, 6, 8), false, 'not right behind');
  pushText(first, '1');
  assert.equal(first.pushLent(slab, 4, 8), false, 'something else is in between');
  assert.deepEqual([waiting(first), waiting(second)], ['abcd1', '']);
  assert.equal(slab.references, 2);
});

test('only bytes that are much of their slab may keep it', () => {
  const slab = received(newPool(), 'abcdefgh');
  assert.deepEqual(
    [1, 3, 4, 8].map((length) => OutboundQueue.mayLend(slab, length)),
    [false, false, true, true],
  );
});
