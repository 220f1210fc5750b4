import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Snapshots } from './snapshots.ts';

test('who has gone before the stream begins takes no place', async () => {
  const snapshots = new Snapshots([], 60_000, true);
  for (let count = 0; count < 100; count++) {
    const stream = snapshots.stream(AbortSignal.abort());
    assert.ok(stream !== null, `${count} that have gone`);
    let parts = 0;
    for await (const part of stream) parts += part.length > 0 ? 1 : 0;
    assert.equal(parts, 1);
  }
  const [stays, goes] = [new AbortController(), new AbortController()];
  const kept = snapshots.stream(stays.signal)?.getReader();
  const ended = snapshots.stream(goes.signal)?.getReader();
  goes.abort();
  assert.equal((await ended?.read())?.done, false);
  assert.equal((await ended?.read())?.done, true);
  assert.equal((await kept?.read())?.done, false);
  snapshots.close();
});
