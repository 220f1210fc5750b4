import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { settle, waitUntil } from '../../test/support/wait-until.ts';
import { threadLocks } from '../host/thread-locks.ts';
import { OtherLoops } from './other-loops.ts';

const knows = threadLocks() !== null;

/** Until it knows that it is the only one. */
async function alone(name: string): Promise<OtherLoops> {
  const loop = new OtherLoops(name);
  await waitUntil(() => !loop.mayListen, `it knows that it is alone in ${name}`);
  return loop;
}

/** One that lives beside another. */
async function notAlone(name: string): Promise<OtherLoops> {
  const loop = new OtherLoops(name);
  await settle();
  assert.ok(loop.mayListen);
  return loop;
}

test('where nobody can know, others may listen', {
  skip: knows && 'this runtime knows',
}, async () => {
  (await notAlone('unknown')).leave();
});

describe('the only loop', { skip: !knows && 'this runtime has no locks' }, () => {
  test('knows it until another one says hello', async () => {
    const first = await alone('hello');
    const other = await alone('of another name');
    const second = await notAlone('hello');
    first.heard();
    assert.ok(first.mayListen);
    await settle();
    assert.ok(first.mayListen && second.mayListen && !other.mayListen);
    for (const one of [first, second, other]) one.leave();
  });

  test('that has heard hello before it knew never thinks that it is alone', async () => {
    const first = new OtherLoops('early hello');
    first.heard();
    await settle();
    assert.ok(first.mayListen);
    first.leave();
  });

  test('is nobody who began beside another one that is still there', async () => {
    const first = await alone('left');
    const second = await notAlone('left');
    first.heard();
    first.leave();
    const third = await notAlone('left');
    second.leave();
    const fourth = await notAlone('left');
    third.leave();
    fourth.leave();
    await settle();
    (await alone('left')).leave();
  });

  test('is nobody while one that never heard hello has left and another one lives', async () => {
    const first = await alone('deaf');
    const second = new OtherLoops('deaf');
    first.leave();
    const third = await notAlone('deaf');
    assert.ok(second.mayListen);
    second.leave();
    third.leave();
  });

  test('is whoever begins behind a thread that was ended', async () => {
    const code = `
      const { locks, parentPort } = require('node:worker_threads');
      locks.request('gnet topics ended', { mode: 'shared' }, () => new Promise(() => {}));
      setInterval(() => {}, 1_000);
      parentPort.postMessage('here');
    `;
    const thread = new Worker(code, { eval: true });
    await new Promise((resolve) => thread.once('message', resolve));
    const beside = await notAlone('ended');
    beside.leave();
    await settle();
    await thread.terminate();
    (await alone('ended')).leave();
  });
});
