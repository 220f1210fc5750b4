import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hostileThings } from '../../testing/hostile-things.ts';
import { ErrConnClosed } from './errors.ts';
import { errorOf, foreignTextMax, isGnetError, textOf } from './thrown.ts';

describe('what programs throw', () => {
  for (const [name, make] of Object.entries(hostileThings)) {
    test(`${name}: has a text, and an error that can be read`, () => {
      const text = textOf(make());
      assert.equal(typeof text, 'string');
      assert.notEqual(text, '');
      const error = errorOf(make());
      assert.ok(error instanceof Error);
      assert.equal(typeof `${error.name} ${error.message} ${error.stack}`, 'string');
      assert.equal(isGnetError(make()), false);
    });
  }

  test('the text says what there is to say', () => {
    assert.equal(textOf(Object.assign(Object.create(null), { message: 'why' })), 'why');
    const groups = Object.assign(Object.create(null), { year: '2026', day: '1' });
    assert.equal(textOf(groups), 'an object with the members: year, day');
    assert.equal(textOf(Symbol('sign')), 'Symbol(sign)');
    assert.equal(textOf(new TypeError('wrong')), 'TypeError: wrong');
    assert.equal(textOf(undefined), 'undefined');
  });

  test('an error stays itself', () => {
    const error = new RangeError('far');
    assert.equal(errorOf(error), error);
    const ours = new ErrConnClosed('closed');
    assert.equal(errorOf(ours), ours);
    assert.equal(isGnetError(ours), true);
    assert.equal(isGnetError(error), false);
  });

  test('a long text is cut, and says how long it was', () => {
    const text = textOf('x'.repeat(1_000_000));
    assert.ok(text.length < foreignTextMax + 40);
    assert.match(text, /x\.\.\. \(1000000 characters\)$/);
  });
});
