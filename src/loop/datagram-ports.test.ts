import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Driver, Endpoint, SocketOptions } from '../driver/contract.ts';
import { DatagramPorts } from './datagram-ports.ts';

const endpoint: Endpoint = { kind: 'udp', family: 4, v6Only: false, host: '127.0.0.1', port: 9 };

test('a socket that cannot begin to receive is closed, and its number is used again', async () => {
  const calls: string[] = [];
  let refuses = true;
  const driver = {
    bind: (id: number) => void calls.push(`bind ${id}`),
    endpointAddress: () => '127.0.0.1:50000',
    startReceiving() {
      if (refuses) throw new Error('no memory');
    },
    closeEndpoint: (id: number) => void calls.push(`close ${id}`),
  };
  const ports = new DatagramPorts(driver as unknown as Driver);
  await assert.rejects(ports.dial(endpoint, {} as SocketOptions), /no memory/);
  assert.equal(ports.isOpen(0), false);
  refuses = false;
  assert.equal(await ports.dial(endpoint, {} as SocketOptions), 0);
  assert.deepEqual(calls, ['bind 0', 'close 0', 'bind 0']);
});
