import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Addressed, balancerKind, createBalancer } from './balancer.ts';

const noAddress: Addressed = {
  get remoteAddress(): string {
    return assert.fail('the address is not asked for');
  },
};

describe('balancers', () => {
  test('RoundRobin: the i-th connection goes to loop i mod N', () => {
    const balancer = createBalancer(balancerKind.roundRobin);
    const picked = Array.from({ length: 7 }, () => balancer.pick([0, 9, 0], noAddress));
    assert.deepEqual(picked, [0, 1, 2, 0, 1, 2, 0]);
  });

  test('LeastConnections: strictly fewer wins, from loop 0 on', () => {
    const balancer = createBalancer(balancerKind.leastConnections);
    const cases: [number[], number][] = [
      [[0, 0, 0], 0],
      [[1, 0, 0], 1],
      [[1, 1, 0], 2],
      [[5, 4, 4, 3], 3],
      [[2, 3, 2], 0],
    ];
    for (const [loads, expected] of cases) {
      assert.equal(balancer.pick(loads, noAddress), expected, String(loads));
    }
  });

  test('SourceAddrHash: the vectors of the source framework', () => {
    const balancer = createBalancer(balancerKind.sourceAddressHash);
    const vectors: [string, number[]][] = [
      ['127.0.0.1:50000', [0, 1, 2, 2]],
      ['127.0.0.1:50001', [0, 0, 0, 4]],
      ['10.0.0.1:1', [1, 2, 1, 5]],
      ['[::1]:8080', [1, 2, 1, 1]],
      ['@', [1, 1, 1, 5]],
    ];
    for (const [address, expected] of vectors) {
      const picked = [2, 3, 4, 8].map((loops) =>
        balancer.pick(new Array<number>(loops).fill(0), { remoteAddress: address }),
      );
      assert.deepEqual(picked, expected, address);
    }
  });
});
