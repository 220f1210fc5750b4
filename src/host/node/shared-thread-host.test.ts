import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { HostedLoop } from '../contract.ts';
import { sharedThreadHost } from './shared-thread-host.ts';

/** A loop whose waits report what the test says, and nothing from then on. */
class ScriptedLoop implements HostedLoop {
  hasPromises = false;
  readonly pollableDescriptor = -1;
  waits = 0;
  /** Something for `runDue`, as another loop's handler leaves it. */
  queued = 0;
  done = 0;
  readonly #events: readonly number[];
  readonly #onWait: () => void;

  constructor(events: readonly number[], onWait: () => void = () => {}) {
    this.#events = events;
    this.#onWait = onWait;
  }

  get hasPutOff(): boolean {
    return this.queued > 0;
  }
  runDue(): boolean {
    const did = this.queued > 0;
    this.done += this.queued;
    this.queued = 0;
    return did;
  }
  timeUntilDeadline(): number {
    return 0;
  }
  wait(): number {
    this.#onWait();
    return this.#events[this.waits++] ?? 0;
  }
  sleptMs = 0;
  slept(ms: number): void {
    this.sleptMs += ms;
  }
  watch(): void {}
  unwatch(): void {}
}

let attached: HostedLoop[] = [];
afterEach(() => {
  for (const loop of attached) sharedThreadHost.detach(loop);
  attached = [];
});

/** Resolves when the loops have had one turn. */
async function oneTurn(...loops: readonly HostedLoop[]): Promise<void> {
  for (const loop of loops) {
    sharedThreadHost.attach(loop);
    attached.push(loop);
  }
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('one turn of the runtime', () => {
  test('of one loop: several waits as long as events come in numbers', async () => {
    const loop = new ScriptedLoop([5, 2, 1, 5]);
    await oneTurn(loop);
    assert.equal(loop.waits, 3);
  });

  test('of one loop: what a handler puts off is done before the turn ends', async () => {
    const loop: ScriptedLoop = new ScriptedLoop([1], () => loop.queued++);
    await oneTurn(loop);
    assert.deepEqual([loop.waits, loop.done], [1, 1]);
  });

  test('of one loop: that waits for promises of handlers, which drain behind the turn', async () => {
    const loop: ScriptedLoop = new ScriptedLoop([5, 5], () => loop.queued++);
    loop.hasPromises = true;
    await oneTurn(loop);
    assert.deepEqual([loop.waits, loop.done], [1, 0]);
  });

  test('of two loops: several rounds, until one brings no more than one event of each', async () => {
    // The first one sees that the second is ready as an event of its own.
    const first = new ScriptedLoop([2, 2, 1, 5]);
    const second = new ScriptedLoop([3, 1, 1, 5]);
    await oneTurn(first, second);
    assert.deepEqual([first.waits, second.waits], [3, 3]);
  });

  test('of two loops: one round when nothing much happens', async () => {
    const first = new ScriptedLoop([1]);
    const second = new ScriptedLoop([1]);
    await oneTurn(first, second);
    assert.deepEqual([first.waits, second.waits], [1, 1]);
  });

  test('of two loops: what one leaves for the other is done before the turn ends', async () => {
    const first = new ScriptedLoop([0]);
    const second = new ScriptedLoop([1], () => {
      if (second.waits === 0) first.queued++;
    });
    await oneTurn(first, second);
    assert.equal(first.done, 1);
  });

  test('of two loops: ends where a handler has answered with a promise', async () => {
    const first = new ScriptedLoop([5, 5, 5]);
    const second = new ScriptedLoop([5, 5, 5]);
    second.hasPromises = true;
    await oneTurn(first, second);
    assert.deepEqual([first.waits, second.waits], [1, 1]);
  });

  test('of two loops: is bounded', async () => {
    const forever = Array.from({ length: 1_000 }, () => 4);
    const first = new ScriptedLoop(forever);
    const second = new ScriptedLoop(forever);
    await oneTurn(first, second);
    assert.equal(first.waits, 8);
  });

  test('ends at once for the others when a loop goes', async () => {
    const second = new ScriptedLoop([5, 5]);
    const third = new ScriptedLoop([5, 5]);
    const first: ScriptedLoop = new ScriptedLoop([5, 5], () => {
      sharedThreadHost.detach(second);
      attached = attached.filter((loop) => loop !== second);
    });
    await oneTurn(first, second, third);
    assert.deepEqual([first.waits, second.waits, third.waits], [1, 0, 0]);
  });
});
