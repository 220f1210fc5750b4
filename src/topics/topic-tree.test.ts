import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkFilter, checkTopic, matches, TopicTree } from './topic-tree.ts';

const level = fc.constantFrom('a', 'b', '', '$x');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(
    fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 3 }),
    fc.constantFrom('#', '+', 'a', ''),
  )
  .map(([levels, last]) => [...levels, last].join('/'));

test('a tree finds those whose filters match, and forgets those that have gone', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(filter, { maxLength: 12 }),
      topic,
      fc.nat(),
      (filters, name, seed) => {
        const tree = new TopicTree<string>();
        for (const one of filters) assert.equal(tree.add(one, one), true);
        for (const one of filters) assert.equal(tree.add(one, one), false);
        const gone = filters.filter((_, index) => (seed >> (index % 30)) & 1);
        for (const one of gone) tree.remove(one, one);
        const found = new Set<string>();
        tree.collect(name, found);
        const left = filters.filter((one) => !gone.includes(one));
        assert.deepEqual([...found].sort(), left.filter((one) => matches(one, name)).sort());
        assert.equal(tree.size, left.length);
        for (const one of left) tree.remove(one, one);
        assert.equal(tree.size, 0);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('topics and filters that are none are refused', () => {
  for (const one of ['', 'a/+', '#', 'a#', 'a\0', 'x'.repeat(70_000)]) {
    assert.throws(() => checkTopic(one), TypeError, one);
  }
  for (const one of ['', 'a+', 'a/b#', '#/a', '+a/b', 'a\0']) {
    assert.throws(() => checkFilter(one), TypeError, one);
  }
  for (const one of ['a', '/', '#', '+', 'a/+/b', '+/+/#', '$SYS/#']) checkFilter(one);
});
