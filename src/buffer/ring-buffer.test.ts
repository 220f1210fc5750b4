import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RingBuffer } from './ring-buffer.ts';

function bytes(count: number, first = 0): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, index) => (first + index) & 0xff));
}

function append(ring: RingBuffer, data: Uint8Array): void {
  ring.write(data, 0, data.length);
  ring.checkInvariants();
}

function consume(ring: RingBuffer, count: number): void {
  ring.discard(count);
  ring.checkInvariants();
}

function contents(ring: RingBuffer): Buffer {
  const copy = Buffer.from(ring.peek(ring.length));
  ring.checkInvariants();
  return copy;
}

test('a ring of 64 bytes takes 16, then 48, and doubles for 4 more', () => {
  const ring = new RingBuffer(64);
  append(ring, bytes(16));
  assert.deepEqual([ring.length, ring.capacity], [16, 64]);
  append(ring, bytes(48, 16));
  assert.deepEqual([ring.length, ring.capacity], [64, 64]);
  append(ring, bytes(4, 64));
  assert.deepEqual([ring.length, ring.capacity], [68, 128]);
  assert.deepEqual(contents(ring), bytes(68));
});

test('a ring that wraps gives its bytes in order and in one piece', () => {
  const ring = new RingBuffer(64);
  append(ring, bytes(64));
  consume(ring, 48);
  append(ring, bytes(48, 64));
  assert.deepEqual([ring.length, ring.capacity], [64, 64]);
  assert.deepEqual(
    Array.from({ length: 64 }, (_, offset) => ring.byteAt(offset)),
    [...bytes(64, 48)],
  );
  assert.deepEqual(contents(ring), bytes(64, 48));
  append(ring, bytes(16, 112));
  assert.deepEqual([ring.length, ring.capacity], [80, 128]);
  assert.deepEqual(contents(ring), bytes(80, 48));
});

test('a ring that wraps keeps the order when it grows', () => {
  const ring = new RingBuffer(8);
  append(ring, bytes(8));
  consume(ring, 5);
  append(ring, bytes(3, 8));
  append(ring, bytes(20, 11));
  assert.deepEqual(contents(ring), bytes(26, 5));
  assert.equal(ring.capacity, 26);
});

test('peek of the part before the edge does not move anything', () => {
  const ring = new RingBuffer(8);
  append(ring, bytes(8));
  consume(ring, 5);
  append(ring, bytes(4, 8));
  const before = ring.peek(3);
  assert.deepEqual(before, bytes(3, 5));
  assert.equal(ring.peek(2).buffer, before.buffer);
  assert.notEqual(ring.peek(4).buffer, before.buffer);
  assert.deepEqual(before, bytes(3, 5));
});

test('the first storage has 1,024 bytes, or the next power of two', () => {
  const small = new RingBuffer();
  assert.equal(small.capacity, 0);
  append(small, bytes(1));
  assert.equal(small.capacity, 1024);
  const large = new RingBuffer();
  append(large, bytes(1025));
  assert.equal(large.capacity, 2048);
});

test('growth doubles below 4,096, then goes by quarters; beyond double it is exact', () => {
  const ring = new RingBuffer(1024);
  append(ring, bytes(1536));
  assert.equal(ring.capacity, 2048);
  consume(ring, 1536);
  append(ring, bytes(4096));
  assert.equal(ring.capacity, 4096);
  append(ring, bytes(2049));
  assert.equal(ring.capacity, 6400);
  append(ring, bytes(12_800));
  assert.equal(ring.capacity, 4096 + 2049 + 12_800);
});

test('a ring of 2 bytes grows to 4 when written byte by byte', () => {
  const ring = new RingBuffer(2);
  const capacities: number[] = [];
  for (let value = 0; value < 4; value++) {
    append(ring, Uint8Array.of(value));
    capacities.push(ring.capacity);
  }
  assert.deepEqual(capacities, [2, 2, 4, 4]);
  for (let value = 0; value < 4; value++) {
    assert.equal(ring.byteAt(0), value);
    consume(ring, 1);
  }
});

test('an emptied ring costs nothing', () => {
  for (const empty of [
    (ring: RingBuffer) => ring.discard(ring.length),
    (ring: RingBuffer) => ring.reset(),
  ]) {
    const ring = new RingBuffer();
    append(ring, bytes(100));
    consume(ring, 40);
    empty(ring);
    ring.checkInvariants();
    assert.deepEqual([ring.length, ring.capacity], [0, 0]);
    append(ring, bytes(3));
    assert.deepEqual(contents(ring), bytes(3));
  }
});

test('an empty ring has nothing to look at', () => {
  const ring = new RingBuffer();
  assert.equal(ring.peek(0).length, 0);
  assert.equal(ring.indexOf(0, 0, 0), -1);
  ring.discard(0);
  append(ring, Buffer.alloc(0));
  assert.equal(ring.capacity, 0);
  ring.lend();
  ring.checkInvariants();
  assert.equal(ring.capacity, 0);
});

test('asking for what is not there is refused', () => {
  const ring = new RingBuffer();
  append(ring, bytes(3));
  const refused: ReadonlyArray<() => unknown> = [
    () => ring.peek(4),
    () => ring.peek(-1),
    () => ring.discard(4),
    () => ring.discard(-1),
    () => ring.byteAt(3),
    () => ring.byteAt(-1),
    () => ring.indexOf(0, 0, 4),
    () => ring.indexOf(0, 2, 1),
    () => ring.write(bytes(3), 2, 4),
    () => ring.write(bytes(3), 2, 1),
    () => new RingBuffer(-1),
  ];
  for (const call of refused) assert.throws(call, { name: 'AssertionError' });
  ring.checkInvariants();
  assert.deepEqual(contents(ring), bytes(3));
});

test('write takes a part of its source', () => {
  const ring = new RingBuffer();
  ring.write(bytes(10), 3, 7);
  assert.deepEqual(contents(ring), bytes(4, 3));
});

test('indexOf looks at its range only, on both sides of the edge', () => {
  const ring = new RingBuffer(8);
  append(ring, bytes(8));
  consume(ring, 5);
  append(ring, bytes(4, 8)); // 5 6 7 | 8 9 10 11
  for (let value = 5; value < 12; value++) {
    const offset = value - 5;
    assert.equal(ring.indexOf(value, 0, 7), offset);
    assert.equal(ring.indexOf(value, offset, offset + 1), offset);
    assert.equal(ring.indexOf(value, 0, offset), -1);
    assert.equal(ring.indexOf(value, offset + 1, 7), -1);
  }
  // What lies in the storage but outside of the ring is not found.
  assert.equal(ring.indexOf(4, 0, 7), -1);
});

test('lending copies nothing, and what was lent is free again after its end', () => {
  const ring = new RingBuffer(1_024);
  append(ring, bytes(1_000));
  for (let frame = 0; frame < 99; frame++) {
    ring.beginFrame();
    const lent = ring.peek(10);
    consume(ring, 10);
    ring.lend();
    append(ring, bytes(10));
    // Still a view of the ring's own storage.
    assert.equal(ring.peek(1).buffer, lent.buffer);
    ring.endLend();
  }
  assert.equal(ring.capacity, 1_024);
});

test('what is lent is never changed, however much is written', () => {
  const ring = new RingBuffer();
  append(ring, bytes(600));
  ring.beginFrame();
  const lent = ring.peek(500);
  consume(ring, 500);
  ring.lend();
  ring.checkInvariants();
  for (let round = 0; round < 10; round++) append(ring, Buffer.alloc(1000, 0xee));
  assert.deepEqual(lent, bytes(500));
  assert.equal(ring.length, 10_100);
  assert.deepEqual(contents(ring).subarray(0, 100), bytes(100, 500));
});

type Step =
  | { readonly kind: 'write'; readonly data: Uint8Array }
  | { readonly kind: 'discard' | 'peek'; readonly share: number }
  | { readonly kind: 'find'; readonly byte: number; readonly from: number; readonly to: number }
  | { readonly kind: 'lend' | 'endLend' | 'reset' };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      data: fc.uint8Array({ maxLength: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('discard', 'peek'), share }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('find' as const),
      byte: fc.nat(255),
      from: share,
      to: share,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('lend', 'endLend', 'reset') }) },
);

test('any sequence of steps does what a plain array does', () => {
  const check = fc.property(fc.nat(48), fc.array(step, { maxLength: 30 }), (capacity, steps) => {
    const ring = new RingBuffer(capacity);
    let model: number[] = [];
    let lent: Array<{ view: Buffer; copy: Buffer }> = [];
    let held: { view: Buffer; copy: Buffer } | null = null;
    const forGood: Array<{ view: Buffer; copy: Buffer }> = [];
    for (const current of steps) {
      switch (current.kind) {
        case 'write':
          ring.write(current.data, 0, current.data.length);
          model.push(...current.data);
          break;
        case 'discard': {
          const count = Math.floor(current.share * model.length);
          ring.discard(count);
          model = model.slice(count);
          // The views of discarded bytes have expired, unless the storage was given up.
          if (count > 0) lent = [];
          break;
        }
        case 'peek': {
          const view = ring.peek(Math.floor(current.share * model.length));
          assert.deepEqual([...view], model.slice(0, view.length));
          lent.push({ view, copy: Buffer.from(view) });
          break;
        }
        case 'find': {
          const to = Math.floor(current.to * model.length);
          const from = Math.floor(current.from * to);
          const index = model.slice(0, to).indexOf(current.byte, from);
          assert.equal(ring.indexOf(current.byte, from, to), index);
          break;
        }
        case 'lend': {
          if (held !== null) break;
          // One frame: looked at, consumed, and lent.
          ring.beginFrame();
          const view = ring.peek(Math.ceil(model.length / 2));
          held = { view, copy: Buffer.from(view) };
          ring.discard(view.length);
          model = model.slice(view.length);
          ring.lend();
          lent = [];
          break;
        }
        case 'endLend':
          ring.endLend();
          held = null;
          break;
        case 'reset':
          ring.reset();
          model = [];
          forGood.push(...lent);
          break;
      }
      ring.checkInvariants();
      assert.equal(ring.length, model.length);
      for (let offset = 0; offset < model.length; offset++) {
        assert.equal(ring.byteAt(offset), model[offset]);
      }
      const whole = [...lent, ...forGood, ...(held === null ? [] : [held])];
      for (const { view, copy } of whole) assert.ok(view.equals(copy));
    }
  });
  fc.assert(check, { numRuns: 2_000 });
});

test('holds says whether bytes of a view are still to be consumed, also where they wrap', () => {
  const ring = new RingBuffer(8);
  ring.write(Buffer.from('abcdef'), 0, 6);
  const first = ring.peek(3);
  assert.equal(ring.holds(first), true);
  ring.discard(2);
  assert.equal(ring.holds(first), true, 'its last byte is there');
  assert.equal(ring.holds(first.subarray(0, 2)), false);
  ring.discard(1);
  assert.equal(ring.holds(first), false);
  ring.write(Buffer.from('ghij'), 0, 4); // wraps: "gh" at the edge, "ij" where "ab" stood
  assert.equal(ring.holds(first), true);
  assert.equal(ring.holds(first.subarray(2)), false);
  ring.discard(ring.length);
  assert.equal(ring.holds(first), false, 'the ring has let go of that storage');
  assert.equal(ring.holds(Buffer.alloc(3)), false);
});
