import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isIP, isIPv4, isIPv6, runtimeNet } from './ip-address.ts';

const net = runtimeNet();

const nearly = fc.string({
  unit: fc.constantFrom(...'0125689.:afg% \n'),
  maxLength: 20,
});
const octets = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 3, maxLength: 5 });

test('what is an address, and of which family, is what node:net says', () => {
  const texts = fc.oneof(
    nearly,
    fc.ipV4(),
    fc.ipV6(),
    octets.map((some) => some.join('.')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(isIPv4(text), net.isIPv4(text));
      assert.equal(isIPv6(text), net.isIPv6(text));
      assert.equal(isIP(text), net.isIP(text));
    }),
    { numRuns: 2_000 },
  );
  for (const text of ['', '::', '::1', '01.2.3.4', '1.2.3.4\n', '::ffff:1.2.3.4', 'fe80::1%lo']) {
    assert.equal(isIP(text), net.isIP(text), text);
  }
});
