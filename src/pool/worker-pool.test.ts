import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrInvalidOption, ErrPoolClosed, ErrPoolOverload } from '../base/errors.ts';
import { ownCopy } from './own-copy.ts';
import { WorkerPool } from './worker-pool.ts';

const work = new URL('../../test/worker/handlers/work.ts', import.meta.url);

describe('the worker pool', () => {
  test('does a task in another thread; bytes arrive as they were at the call', async (t) => {
    const pool = new WorkerPool(work, { threads: 2 });
    t.after(() => pool.close());
    const memory = Buffer.alloc(65_536, 1);
    const frame = memory.subarray(10, 15);
    const result = pool.submit<{ bytes: Uint8Array; total: number; main: boolean }>(frame);
    memory.fill(2);
    const { bytes, total, main } = await result;
    assert.deepEqual([...bytes], [1, 1, 1, 1, 1]);
    assert.equal(total, 5, 'and nothing of the memory around them');
    assert.equal(main, false);
  });

  test('rejects with what the task threw, and goes on', async (t) => {
    const pool = new WorkerPool(work, { threads: 1 });
    t.after(() => pool.close());
    await assert.rejects(pool.submit('x', { name: 'fail' }), /failed on x/);
    assert.equal(await pool.submit(20, { name: 'double' }), 40);
  });

  test('keeps the order that is asked for, and no other', async (t) => {
    const pool = new WorkerPool(work, { threads: 2 });
    t.after(() => pool.close());
    const done: string[] = [];
    const wait = (what: string, ms: number, order: unknown): Promise<unknown> =>
      pool.submit(ms, { name: 'wait', order }).then(() => done.push(what));
    await Promise.all([
      wait('one, first', 60, 1),
      wait('one, second', 1, 1),
      wait('two, first', 1, 2),
    ]);
    assert.ok(done.indexOf('one, first') < done.indexOf('one, second'));
  });

  test('a task that fails does not hold up those behind it', async (t) => {
    const pool = new WorkerPool(work, { threads: 1 });
    t.after(() => pool.close());
    const failed = pool.submit('y', { name: 'fail', order: 1 });
    const next = pool.submit(4, { name: 'double', order: 1 });
    await assert.rejects(failed);
    assert.equal(await next, 8);
  });

  test('a full queue refuses, and takes again when there is room', async (t) => {
    const pool = new WorkerPool(work, { threads: 1, maxQueue: 1 });
    t.after(() => pool.close());
    const both = [pool.submit(1, { name: 'double' }), pool.submit(2, { name: 'double', order: 1 })];
    await assert.rejects(pool.submit(3, { name: 'double' }), ErrPoolOverload);
    assert.deepEqual(await Promise.all(both), [2, 4]);
    assert.equal(await pool.submit(3, { name: 'double' }), 6);
  });

  test('close finishes what was submitted and takes no more', async () => {
    const pool = new WorkerPool(work, { threads: 1 });
    const task = pool.submit(5, { name: 'double' });
    const closed = pool.close();
    await assert.rejects(pool.submit(6, { name: 'double' }), ErrPoolClosed);
    assert.equal(await task, 10);
    await closed;
    await pool.close();
  });

  test('options that are none', () => {
    assert.throws(() => new WorkerPool(work, { threads: 0 }), ErrInvalidOption);
    assert.throws(() => new WorkerPool(work, { maxQueue: -1 }), ErrInvalidOption);
    assert.throws(() => new WorkerPool('./work.ts' as unknown as URL), ErrInvalidOption);
  });
});

test('bytes one level down are copied, too; the rest is left to the runtime', () => {
  const bytes = Buffer.from('abc');
  const { task, moved } = ownCopy({ bytes, list: 1 });
  const copy = (task as { bytes: Uint8Array }).bytes;
  assert.notEqual(copy.buffer, bytes.buffer);
  assert.equal(Buffer.from(copy).toString(), 'abc');
  assert.equal(moved.length, 1);
  assert.equal(ownCopy([bytes, bytes]).moved.length, 2);
  const map = new Map();
  assert.equal(ownCopy(map).task, map);
});
