import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatches } from '../../examples/redis/glob.ts';

const cases: readonly (readonly [pattern: string, text: string, expected: boolean])[] = [
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['', 'a', false],
  ['h?llo', 'hello', true],
  ['h?llo', 'hllo', false],
  ['h*llo', 'heeello', true],
  ['h*llo*', 'hllo', true],
  ['a*b*c', 'axxbxxbc', true],
  ['a*b*c', 'axxbxxb', false],
  ['h[ae]llo', 'hallo', true],
  ['h[ae]llo', 'hillo', false],
  ['h[^e]llo', 'hallo', true],
  ['h[^e]llo', 'hello', false],
  ['h[a-c]llo', 'hbllo', true],
  ['h[c-a]llo', 'hbllo', true],
  ['h[a-c]llo', 'hdllo', false],
  ['[\\]]', ']', true],
  ['[a', 'a', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a\\', 'a\\', true],
  ['**', 'abc', true],
  ['*[0-9]*', 'key7x', true],
];

for (const [pattern, text, expected] of cases) {
  test(`${JSON.stringify(pattern)} ${expected ? 'fits' : 'does not fit'} ${JSON.stringify(text)}`, () => {
    assert.equal(globMatches(pattern, text), expected);
  });
}

test('agrees with a regular expression on stars and question marks', () => {
  const unit = fc.constantFrom('a', 'b', '*', '?');
  const pattern = fc.string({ unit, maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 });
  fc.assert(
    fc.property(pattern, text, (glob, subject) => {
      const source = glob.replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(globMatches(glob, subject), new RegExp(`^${source}$`).test(subject));
    }),
  );
});

test('many stars against a long text come to an end', () => {
  assert.equal(globMatches(`${'*a'.repeat(30)}b`, 'a'.repeat(3_000)), false);
});
