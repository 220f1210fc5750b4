import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ErrInvalidOption, ErrPoolClosed, ErrPoolOverload } from '../base/errors.ts';
import { ownCopy } from './own-copy.ts';
import { TaskQueue } from './task-queue.ts';
import { WorkerPool } from './worker-pool.ts';

const work = new URL('../../test/worker/handlers/work.ts', import.meta.url);

/** A module with this source. */
function written(t: TestContext, source: string): URL {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-pool-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'module.mjs');
  writeFileSync(path, source);
  return pathToFileURL(path);
}

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

  for (const [what, source, reported] of [
    ['is not there', null, /Cannot find|ENOENT|nowhere/],
    ['throws while it is loaded', 'throw new Error("no model");', /no model/],
    ['ends its thread', 'process.exit(3);', /code: 3/],
  ] as const) {
    test(`a module that ${what} fails its tasks, and nothing else`, async (t) => {
      const nowhere = pathToFileURL(join(tmpdir(), 'gnet-nowhere.mjs'));
      const module = source === null ? nowhere : written(t, source);
      const pool = new WorkerPool(module, { threads: 1 });
      t.after(() => pool.close());
      // The second waits for the thread that the first one ends.
      const both = [pool.submit(1), pool.submit(2)];
      for (const task of both) await assert.rejects(task, reported);
      assert.equal(pool.pending, 0);
    });
  }

  test('threads that cannot even start fail the tasks, not the program', () => {
    const preload = `
      import { isMainThread } from 'node:worker_threads';
      if (!isMainThread) throw new Error('no thread starts here');`;
    const program = `
      import { WorkerPool } from 'gnet/pool';
      const pool = new WorkerPool(new URL('${work}'), { threads: 1 });
      const both = await Promise.allSettled([1, 2].map((task) => pool.submit(task)));
      console.log(both.map(({ status }) => status).join(), pool.pending);
      await pool.close();`;
    const flags = ['--conditions=gnet-source', '--input-type=module'];
    const load = `--import=data:text/javascript,${encodeURIComponent(preload)}`;
    const result = spawnSync(process.execPath, [...flags, load, '--eval', program], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.equal(result.stdout, 'rejected,rejected 0\n', result.stderr);
    assert.match(result.stderr, /worker pool died between tasks: Error: no thread starts here/);
    assert.equal(result.status, 0);
  });

  for (const order of [1, undefined]) {
    test(`aborting a task that waits, with order ${order}: it is taken out at once`, async (t) => {
      const pool = new WorkerPool(work, { threads: 1 });
      t.after(() => pool.close());
      const controller = new AbortController();
      const { signal } = controller;
      const done: string[] = [];
      const first = pool.submit(200, { name: 'wait', order }).then(() => done.push('first'));
      const gone = pool.submit(5, { name: 'double', order, signal });
      const next = pool.submit(6, { name: 'double', order });
      controller.abort(new Error('not wanted any more'));
      await assert.rejects(gone, /not wanted any more/);
      done.push('aborted');
      assert.equal(pool.pending, 2);
      assert.equal(await next, 12);
      await first;
      assert.deepEqual(done, ['aborted', 'first']);
      await assert.rejects(pool.submit(7, { name: 'double', signal }), /not wanted any more/);
    });
  }

  test('options that are none', () => {
    assert.throws(() => new WorkerPool(work, { threads: 0 }), ErrInvalidOption);
    assert.throws(() => new WorkerPool(work, { maxQueue: -1 }), ErrInvalidOption);
    assert.throws(() => new WorkerPool('./work.ts' as unknown as URL), ErrInvalidOption);
  });
});

test('bytes are copied wherever they stand; the rest is left to the runtime', () => {
  const slab = Buffer.from('a frame, and what others have');
  const frame = slab.subarray(0, 7);
  const words = new Uint16Array(slab.buffer, slab.byteOffset & ~1, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  const given = {
    deep: { list: [frame, [frame]] },
    map: new Map<unknown, unknown>([['frame', frame]]),
    set: new Set<unknown>([frame]),
    view: new DataView(slab.buffer, slab.byteOffset, 7),
    words,
    buffer: new Uint8Array([1, 2, 3]).buffer,
    shared,
    date: new Date(0),
    ['__proto__']: frame,
    self: null as unknown,
  };
  given.self = given;
  const holed: unknown[] = [frame];
  holed[9_000_000] = frame;
  const { task, moved } = ownCopy({ ...given, holed, self: given });
  slab.fill(0);
  const copy = (task as { self: typeof given }).self;
  const apart = (task as { holed: Uint8Array[] }).holed;
  const text = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString();
  assert.equal(text(copy.deep.list[0]), 'a frame');
  assert.equal((copy.deep.list[0] as Uint8Array).buffer.byteLength, 7, 'nothing around it');
  assert.equal((copy.deep.list[1] as Uint8Array[])[0], copy.deep.list[0], 'one thing stays one');
  assert.equal(copy.map.get('frame'), copy.deep.list[0]);
  assert.ok(copy.set.has(copy.deep.list[0]));
  assert.equal(copy.view.getUint8(0), 'a'.charCodeAt(0));
  assert.ok(copy.words instanceof Uint16Array && copy.words.length === 3 && copy.words[0] !== 0);
  assert.deepEqual([...new Uint8Array(copy.buffer)], [1, 2, 3]);
  assert.notEqual(copy.buffer, given.buffer);
  assert.equal(copy.shared, shared);
  assert.equal(copy.date, given.date);
  assert.equal(copy.self, copy);
  assert.ok(Object.hasOwn(copy, '__proto__'));
  assert.equal(text(apart[0]), 'a frame');
  assert.deepEqual([apart[9_000_000], apart.length, 1 in apart], [apart[0], 9_000_001, false]);
  assert.equal(moved.length, 4);
  const matched = ownCopy([frame, /m(e)/.exec('frame')]).task as [Uint8Array, RegExpExecArray];
  assert.deepEqual([matched[1].index, matched[1][1], matched[1].length], [3, 'e', 2]);
  const table = Array.from({ length: 300_000 }, (_, id) => ({ id, parent: null as unknown }));
  for (const row of table) row.parent = table[0];
  delete table[0];
  assert.equal(ownCopy(table).task, table);
  const plain = { rows: [{ id: 1 }, new Map([[1, 2]])], holes: new Array(5) };
  assert.equal(ownCopy(plain).task, plain, 'the runtime copies what has no bytes');
});

test('tasks that were aborted leave the queue, whatever order they have', async () => {
  const queue = new TaskQueue(1);
  const ended: string[] = [];
  const { promise: first, resolve: endFirst } = Promise.withResolvers<void>();
  queue.add({ order: 1, isOver: false, run: () => first });
  const jobs = Array.from({ length: 1_000 }, (_, index) => {
    const job = {
      order: [undefined, 1, 2][index % 3],
      isOver: false,
      run: async () => void ended.push(`${index}`),
    };
    queue.add(job);
    return job;
  });
  for (const [index, job] of jobs.entries()) {
    if (index === 500 || index === 501 || index === 502) continue;
    job.isOver = true;
    queue.settledAhead();
  }
  assert.ok(queue.waiting < 100, `${queue.waiting} wait`);
  endFirst();
  while (queue.waiting > 0) await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(ended.toSorted(), ['500', '501', '502']);
});
