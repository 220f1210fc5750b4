import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ChunkGarbage, ofV8 } from './chunk-garbage.ts';

describe('ChunkGarbage', () => {
  test('asks for a small collection after each 4 MiB', () => {
    const asked: unknown[] = [];
    const garbage = new ChunkGarbage((options) => asked.push(options));
    for (let count = 0; count < 64; count++) {
      assert.equal(asked.length, 0);
      garbage.made(65_536);
    }
    assert.deepEqual(asked, [{ type: 'minor' }]);
    for (let count = 0; count < 64; count++) garbage.made(65_536);
    assert.equal(asked.length, 2);
  });

  test('leaves short chunks out of the count', () => {
    const garbage = new ChunkGarbage(() => assert.fail('asked'));
    for (let count = 0; count < 100_000; count++) garbage.made(64);
  });

  test('takes no function that the program has put in the place of gc', () => {
    function gc(): void {}
    for (const other of [undefined, gc, gc.bind(null), Math.max]) assert.equal(ofV8(other), null);
    new ChunkGarbage(null).made(100_000_000);
  });
});
