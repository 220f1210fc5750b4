import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadResult } from './load.ts';
import { measureWindow } from './window.ts';

function offering(...results: readonly Partial<LoadResult>[]) {
  const asked: number[] = [];
  const offer = (seconds: number): Promise<LoadResult> => {
    const result = results[Math.min(asked.length, results.length - 1)];
    asked.push(seconds);
    return Promise.resolve({ requests: 1, serverCpuSeconds: 1, ...result } as LoadResult);
  };
  return { asked, offer };
}

test('a window that saw answers counts', async () => {
  const { asked, offer } = offering({ requests: 7 });
  assert.equal((await measureWindow(offer, 0.4)).requests, 7);
  assert.deepEqual(asked, [0.4]);
});

test('a starved server is measured again, for longer', async () => {
  const { asked, offer } = offering({ requests: 0 }, { serverCpuSeconds: 0 }, { requests: 3 });
  assert.equal((await measureWindow(offer, 1)).requests, 3);
  assert.deepEqual(asked, [1, 2, 4]);
});

test('a server that never answers fails', async () => {
  const { asked, offer } = offering({ requests: 0 });
  await assert.rejects(measureWindow(offer, 1), /nothing came back/);
  assert.equal(asked.length, 5);
});
