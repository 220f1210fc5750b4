import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemText } from './usage.ts';

test('what failed at each address of a name is told, once where it is the same', () => {
  const refused = (address: string) => new Error(`connect ECONNREFUSED ${address}`);
  const several = new AggregateError([refused('::1:9'), refused('127.0.0.1:9')]);
  assert.equal(several.message, '');
  assert.equal(
    problemText(several),
    'connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9',
  );
  assert.equal(problemText(new AggregateError([new Error('no'), new Error('no')])), 'no');
  assert.equal(problemText(new AggregateError([], 'all failed')), 'all failed');
  assert.equal(problemText(new Error('one')), 'one');
  assert.equal(problemText('text'), 'text');
});
