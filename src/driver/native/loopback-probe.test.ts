import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';

const skip = await refusalOf('epoll');

test('a process that was stopped all the while finds its echo all the same', {
  skip,
}, async (t) => {
  const { createEpollDriver } = await import('../readiness/epoll.ts');
  const { probeLoopback } = await import('./loopback-probe.ts');
  let now = performance.now();
  // Each look at the clock is a minute after the one before.
  t.mock.method(performance, 'now', () => {
    now += 60_000;
    return now;
  });
  assert.doesNotThrow(() => probeLoopback(createEpollDriver));
});

test('a driver that tells nothing is refused', { skip }, async (t) => {
  const { createEpollDriver } = await import('../readiness/epoll.ts');
  const { probeLoopback } = await import('./loopback-probe.ts');
  let now = performance.now();
  t.mock.method(performance, 'now', () => {
    now += 1;
    return now;
  });
  const deaf: typeof createEpollDriver = (events, settings) => {
    const driver = createEpollDriver(events, settings);
    driver.wait = () => 0;
    return driver;
  };
  assert.throws(() => probeLoopback(deaf), {
    code: 'ErrUnsupportedPlatform',
    message: /an echo over loopback did not come back within 1000 ms/,
  });
});
