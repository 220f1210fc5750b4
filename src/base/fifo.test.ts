import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from 'gnet/testing';
import { Fifo } from './fifo.ts';

describe('Fifo', () => {
  test('gives back what it was given, in that order, however it grows and wraps', () => {
    const random = new Random(7);
    const fifo = new Fifo<number>();
    const model: number[] = [];
    for (let step = 0; step < 20_000; step++) {
      // Grows for a while, then shrinks: it wraps at every capacity.
      const growing = Math.floor(step / 3_000) % 2 === 0;
      if (random.uint32() / 2 ** 32 < (growing ? 0.7 : 0.2)) {
        fifo.push(step);
        model.push(step);
      } else assert.equal(fifo.shift(), model.shift());
      assert.equal(fifo.length, model.length);
      assert.equal(fifo.peek(), model[0]);
    }
    while (model.length > 0) assert.equal(fifo.shift(), model.shift());
    assert.equal(fifo.shift(), undefined);
    assert.equal(fifo.peek(), undefined);
  });

  test('holds nothing that was taken out', () => {
    const fifo = new Fifo<object | undefined>();
    fifo.push(undefined);
    assert.equal(fifo.length, 1);
    assert.equal(fifo.shift(), undefined);
    assert.equal(fifo.length, 0);
  });
});
