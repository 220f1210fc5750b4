import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { goFirst, letOthersFirst, readSlice, waitForNobody } from './slice.ts';

const slices = readSlice(0) > 0n;

const skip = !slices && 'threads have slices of their own since Linux 6.12';

test('a process lets others go first until it is told otherwise', { skip }, async (t) => {
  const child = spawn('/bin/cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  await once(child, 'spawn');
  const pid = child.pid as number;
  const before = readSlice(pid);
  assert.equal(before, readSlice(0));
  const goOn = letOthersFirst(pid);
  assert.equal(readSlice(pid), 100_000_000n);
  // From then on it is as whoever started it, whatever it began with.
  const goAsBefore = goFirst();
  t.after(goAsBefore);
  goOn();
  assert.equal(readSlice(pid), 100_000n);
  goAsBefore();
  goOn();
  assert.equal(readSlice(pid), before);
  child.stdin.end();
  await once(child, 'exit');
  // Who has ended, or never was, is not looked for.
  goOn();
  letOthersFirst(pid)();
});

test('or, left alone, until it serves itself', { skip }, (t) => {
  const before = readSlice(0);
  const goOn = letOthersFirst(process.pid);
  t.after(goOn);
  assert.equal(readSlice(0), 100_000_000n);
  waitForNobody();
  assert.ok(readSlice(0) < 100_000_000n);
  // Nothing more to do.
  waitForNobody();
  assert.ok(before > 0n);
});

test('a thread goes first until it is told otherwise', { skip }, (t) => {
  const before = readSlice(0);
  const goAsBefore = goFirst();
  t.after(goAsBefore);
  assert.equal(readSlice(0), 100_000n);
  goAsBefore();
  assert.equal(readSlice(0), before);
});
