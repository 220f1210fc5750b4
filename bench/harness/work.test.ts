import assert from 'node:assert/strict';
import { test } from 'node:test';
import { casesOf, WORKS } from './work.ts';

const tcpEcho = WORKS.find((work) => work.name === 'tcp-echo');
const MIB = 2 ** 20;

test('tcp-echo covers every size and number of connections but 1 MiB on 1,000', () => {
  assert.ok(tcpEcho !== undefined);
  const cases = casesOf(tcpEcho, { maxOutstandingBytes: 128 * MIB });
  assert.equal(cases.length, 4 * 3 - 1);
  assert.ok(cases.some((one) => one.size === MIB && one.connections === 100));
  assert.ok(!cases.some((one) => one.size === MIB && one.connections === 1000));
});

test('a selection replaces the matrix, and the limit counts what is in flight', () => {
  assert.ok(tcpEcho !== undefined);
  const selection = { sizes: [100], connections: [10], pipelines: [1, 4] };
  assert.deepEqual(casesOf(tcpEcho, { ...selection, maxOutstandingBytes: 1000 }), [
    { size: 100, connections: 10, pipeline: 1 },
  ]);
});
