/** A listener that could not be started again took the whole server down. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SyscallError } from '../../src/base/errors.ts';
import { simulatedLoop } from '../loop/simulated-loop.ts';

test('no memory for the poller: the listener rests and tries again, the loop goes on', async () => {
  let opened = 0;
  const rig = simulatedLoop({ onOpened: () => void opened++ });
  rig.connect();
  await rig.turns(3);
  const start = rig.driver.startAccepting.bind(rig.driver);
  let refusals = 0;
  rig.driver.startAccepting = (listener) => {
    if (refusals++ > 0) return start(listener);
    throw new SyscallError('ENOMEM', 'cannot accept: no memory', { syscall: 'epoll_ctl' });
  };
  rig.driver.descriptorsMax = 0;
  rig.connect();
  await rig.turns(3);
  rig.driver.descriptorsMax = 100;
  for (let round = 0; round < 200 && opened < 2; round++) {
    await sleep(10);
    await rig.turns(1);
  }
  assert.deepEqual(rig.deaths, []);
  assert.equal(opened, 2);
  assert.ok(refusals >= 2);
});
