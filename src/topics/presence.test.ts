import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestContext, test } from 'node:test';
import { Presence } from './presence.ts';

const interval = 20;

interface Pair {
  readonly all: readonly Presence[];
  readonly told: number[];
  /** Nothing that they say arrives any more. */
  cut(): void;
}

/** Two loops, each with one subscriber; what one says reaches the other a turn of the runtime later. */
function pair(t: TestContext): Pair {
  const all: Presence[] = [];
  const told: number[] = [];
  let isCut = false;
  const make = (): Presence =>
    new Presence(
      { interval, changed: (_topic, count) => void told.push(count) },
      (text) => {
        if (!isCut) setImmediate(() => all.map((one) => one.take(text)));
      },
      () => 1,
      () => ['room'],
      (error) => assert.fail(String(error)),
    );
  all.push(make(), make());
  t.after(() => {
    for (const one of all) one.close();
  });
  const cut = (): void => {
    isCut = true;
  };
  return { all, told, cut };
}

async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(1);
}

test('a loop that was blocked does not take the others for gone', async (t) => {
  const { all, told } = pair(t);
  const know = (count: number) => (): boolean => all.every((one) => one.count('room') === count);
  await turnsUntil(know(2));
  told.length = 0;
  for (let round = 0; round < 3; round++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10 * interval);
    await sleep(interval);
  }
  assert.deepEqual(told, []);
  assert.ok(know(2)());
});

test('one that is not heard any more is gone', async (t) => {
  const { all, cut } = pair(t);
  await turnsUntil(() => all.every((one) => one.count('room') === 2));
  cut();
  await turnsUntil(() => all.every((one) => one.count('room') === 1));
});
