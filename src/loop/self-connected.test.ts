import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver } from '../driver/contract.ts';
import { selfConnected } from './self-connected.ts';

function driver(local: string, remote: string): Driver {
  return { localAddress: () => local, remoteAddress: () => remote } as unknown as Driver;
}

test('a socket that was connected to itself counts as refused', () => {
  const error = selfConnected(driver('127.0.0.1:40000', '127.0.0.1:40000'), 0);
  assert.equal(error?.code, 'ECONNREFUSED');
  assert.equal(error?.address, '127.0.0.1:40000');
});

test('others do not: another port, another address, Unix sockets without a name', () => {
  assert.equal(selfConnected(driver('127.0.0.1:40001', '127.0.0.1:40000'), 0), null);
  assert.equal(selfConnected(driver('[::1]:40000', '127.0.0.1:40000'), 0), null);
  assert.equal(selfConnected(driver('@', '@'), 0), null);
});
