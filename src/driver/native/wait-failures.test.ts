import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errnoNumber } from '../../platform/index.ts';
import { WaitFailures } from './wait-failures.ts';

const eio = errnoNumber('EIO') as number;

describe('waits that fail', () => {
  test('end a loop only when a hundred do in a row', () => {
    const failures = new WaitFailures();
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 99; count++) failures.failed('epoll_wait', eio);
      failures.succeeded();
    }
    for (let count = 0; count < 99; count++) failures.failed('epoll_wait', eio);
    assert.throws(() => failures.failed('epoll_wait', eio), { code: 'EIO', syscall: 'epoll_wait' });
  });
});
