import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { DeadlineClock } from './deadline-clock.ts';

test('what arrived before the kernel was asked is heard when the wait is over', () => {
  const heard = new DeadlineClock(false);
  heard.asking(100);
  assert.equal(heard.time, 0);
  heard.waited(3, 10);
  assert.equal(heard.time, 100);
});

test('a full wait hides what others have: as many follow as all streams could fill', () => {
  const heard = new DeadlineClock(false);
  for (const now of [100, 200, 300]) {
    heard.asking(now);
    heard.waited(64, 200);
    assert.equal(heard.time, 0, 'others may wait behind these');
  }
  heard.asking(400);
  heard.waited(64, 200);
  assert.equal(heard.time, 100, 'everybody had a turn since the first');
  heard.asking(500);
  heard.waited(64, 200);
  heard.asking(600);
  heard.waited(1, 200);
  assert.equal(heard.time, 500, 'there were no more');
});

test('where the runtime tells, what arrived before a wait is heard by the next one', () => {
  const heard = new DeadlineClock(true);
  heard.asking(100);
  heard.waited(0, 1);
  assert.equal(heard.time, 0);
  heard.asking(200);
  heard.waited(0, 1);
  assert.equal(heard.time, 100);
});
