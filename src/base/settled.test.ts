import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { watch } from './settled.ts';

describe('watch', () => {
  it('tells of a rejection, once', async () => {
    const failures: unknown[] = [];
    const error = new Error('boom');
    watch(Promise.reject(error), (thrown) => failures.push(thrown));
    assert.deepEqual(failures, []);
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(failures, [error]);
  });

  it('takes a thenable whose `then` throws for one that rejects', async () => {
    const told = Promise.withResolvers<unknown>();
    const error = new Error('boom');
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
      then(): never {
        throw error;
      },
    };
    watch(thenable, told.resolve);
    assert.equal(await told.promise, error);
  });

  it('ignores what is no promise, or cannot be looked at', () => {
    const failed = (): never => assert.fail('nothing has failed');
    const dark = new Proxy({}, { get: () => assert.fail('looked at') });
    const odd: unknown = JSON.parse('{"then":1}');
    for (const answer of [undefined, null, 'text', 0, odd, dark]) watch(answer, failed);
  });
});
