import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Endpoint, GivenSocket } from './contract.ts';
import { eachGiven, endpointsOfLoop } from './given-sockets.ts';

const socket = (descriptor: number): GivenSocket => {
  return { descriptor, address: '127.0.0.1:9000', shared: false, boundPath: null };
};

function endpoint(port: number, ...given: number[]): Endpoint {
  const bare = { kind: 'tcp', family: 4, v6Only: false, host: '127.0.0.1', port } as const;
  return given.length === 0 ? bare : { ...bare, given: given.map(socket) };
}

/** Which descriptors each loop has of each endpoint; -1 for one that it opens itself. */
function dealt(endpoints: readonly Endpoint[], loops: number, opensMore: boolean): number[][][] {
  return Array.from({ length: loops }, (_, index) => {
    const own = endpointsOfLoop(endpoints, index, loops, opensMore);
    return endpoints.map((_endpoint, at) =>
      own.filter(({ of }) => of === at).map((one) => one.endpoint.given?.[0]?.descriptor ?? -1),
    );
  });
}

describe('sockets that are given to several loops', () => {
  test('one each', () => {
    assert.deepEqual(dealt([endpoint(1, 5, 6)], 2, true), [[[5]], [[6]]]);
  });

  test('fewer loops than sockets: none is left without a reader', () => {
    assert.deepEqual(dealt([endpoint(1, 5, 6, 7)], 2, true), [[[5, 7]], [[6]]]);
    assert.deepEqual(dealt([endpoint(1, 5, 6, 7)], 1, true), [[[5, 6, 7]]]);
  });

  test('more loops than sockets: the others open their own where that can be', () => {
    assert.deepEqual(dealt([endpoint(1, 5)], 3, true), [[[5]], [[-1]], [[-1]]]);
    assert.deepEqual(dealt([endpoint(1, 5)], 3, false), [[[5]], [[]], [[]]]);
  });

  test('nothing is given: every loop opens its own', () => {
    assert.deepEqual(dealt([endpoint(1), endpoint(2, 5)], 2, false), [
      [[-1], [5]],
      [[-1], []],
    ]);
  });

  test('the first of each endpoint comes before the further ones', () => {
    const own = endpointsOfLoop([endpoint(1, 5, 6), endpoint(2, 7)], 0, 1, false);
    assert.deepEqual(
      own.map(({ of, endpoint: { given } }) => [of, given?.[0]?.descriptor]),
      [
        [0, 5],
        [1, 7],
        [0, 6],
      ],
    );
  });

  test('one loop for all of them', () => {
    assert.equal(eachGiven(endpoint(1)).length, 1);
    assert.deepEqual(
      eachGiven(endpoint(1, 5, 6)).map(({ given }) => given?.length),
      [1, 1],
    );
  });
});
