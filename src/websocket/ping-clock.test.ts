import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PingClock } from './ping-clock.ts';

function member(log: string[]) {
  return {
    heard: false,
    pinged: false,
    isBusy: () => false,
    ping: () => void log.push('ping'),
    terminate: () => void log.push('end'),
  };
}

test('pings who is silent, ends who stays so, and is forgotten with its last member', () => {
  const log: string[] = [];
  let look = (): void => {};
  let scheduled = 0;
  const loop = {
    schedule(_ms: number, then: () => void): () => void {
      scheduled++;
      look = then;
      return () => void scheduled--;
    },
  };
  type Loop = ConstructorParameters<typeof PingClock>[0];
  const clock = new PingClock(loop as unknown as Loop, 1_000, () => void log.push('emptied'));
  const [first, second] = [member(log), member(log)];
  clock.add(first);
  clock.add(second);
  assert.equal(scheduled, 1);
  second.heard = true;
  look();
  assert.deepEqual(log, ['ping']);
  first.heard = true;
  second.heard = false;
  look();
  assert.deepEqual(log, ['ping', 'ping']);
  look();
  assert.deepEqual(log, ['ping', 'ping', 'ping', 'end']);
  clock.remove(second);
  assert.deepEqual(log.at(-1), 'end');
  clock.remove(first);
  assert.deepEqual(log.at(-1), 'emptied');
});
