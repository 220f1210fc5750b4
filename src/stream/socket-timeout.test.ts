import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketTimeout, type Traffic } from './socket-timeout.ts';

/** A socket whose time passes when the test says so. */
class Still implements Traffic {
  active = false;
  now = 0;
  #due: { at: number; fn: () => void } | null = null;

  moved(): boolean {
    const { active } = this;
    this.active = false;
    return active;
  }

  arm(ms: number, fn: () => void): () => void {
    const due = { at: this.now + ms, fn };
    this.#due = due;
    return () => {
      if (this.#due === due) this.#due = null;
    };
  }

  /** To the moment `at`. */
  pass(at: number): void {
    while (this.#due !== null && this.#due.at <= at) {
      const { fn } = this.#due;
      this.now = this.#due.at;
      this.#due = null;
      fn();
    }
    this.now = at;
  }
}

function watched(ms: number): { socket: Still; timeout: SocketTimeout; told: number[] } {
  const socket = new Still();
  const told: number[] = [];
  const timeout = new SocketTimeout(socket, () => told.push(socket.now));
  timeout.set(ms);
  return { socket, timeout, told };
}

function first([at = Number.NaN]: readonly number[]): number {
  return at;
}

test('silence is told of when it has lasted that long, and once', () => {
  const { socket, told } = watched(1_000);
  socket.pass(5_000);
  assert.deepEqual(told, [1_000]);
});

test('traffic at any moment puts it off, by a quarter more at most', () => {
  for (let moment = 1; moment < 2_000; moment += 7) {
    const { socket, told } = watched(1_000);
    for (let at = moment % 900; at < moment; at += 900) {
      socket.pass(at);
      socket.active = true;
    }
    socket.pass(moment);
    assert.deepEqual(told, []);
    socket.active = true;
    socket.pass(5_000);
    assert.equal(told.length, 1);
    const late = first(told) - moment - 1_000;
    assert.ok(late >= 0 && late <= 250, `${late} ms late for traffic at ${moment}`);
  }
});

test('switched off and on again it counts from then on', () => {
  for (const [before, after] of [
    [1_000, 1_000],
    [5_000, 1_000],
    [1_000, 5_000],
  ] as const) {
    const { socket, timeout, told } = watched(before);
    socket.pass(700);
    timeout.set(0);
    timeout.set(after);
    socket.pass(20_000);
    assert.equal(told.length, 1);
    const late = first(told) - 700 - after;
    assert.ok(late >= 0 && late <= after / 4, `${late} ms late, ${before} ms before`);
  }
});

test('off is off, and what is cleared has no timer', () => {
  const { socket, timeout, told } = watched(100);
  timeout.set(0);
  socket.pass(1_000);
  timeout.set(100);
  timeout.clear();
  socket.pass(2_000);
  assert.deepEqual(told, []);
});

test('after traffic it is told of the next silence', () => {
  const { socket, told } = watched(1_000);
  socket.pass(1_300);
  socket.active = true;
  socket.pass(9_000);
  assert.equal(told.length, 2);
});
