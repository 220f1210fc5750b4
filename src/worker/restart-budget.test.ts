import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBudget } from './restart-budget.ts';

test('a loop that dies at once, again and again, is started at most 5 times in any minute', () => {
  const budget = new RestartBudget();
  const starts: number[] = [];
  let now = 0;
  for (let death = 0; death < 50; death++) {
    now += budget.take(now);
    starts.push(now);
  }
  assert.equal(starts[0], 50);
  assert.ok((starts[4] as number) < 10_000, 'the first five come soon');
  for (let first = 0; first + 5 < starts.length; first++) {
    const span = (starts[first + 5] as number) - (starts[first] as number);
    assert.ok(span >= 60_000, `6 starts within ${span} ms`);
  }
});

test('a loop that ran for long begins anew', () => {
  const budget = new RestartBudget();
  for (let death = 0; death < 5; death++) budget.take(death);
  assert.equal(budget.take(200_000), 50);
});
