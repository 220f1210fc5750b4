import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrInvalidOption } from '../base/errors.ts';
import { isLogged, parseLogLevel } from './log-level.ts';

describe('log levels', () => {
  test('names are understood in any case', () => {
    for (const name of ['debug', 'info', 'warn', 'error', 'fatal', 'silent']) {
      assert.equal(parseLogLevel(name, 'option logLevel'), name);
      assert.equal(parseLogLevel(` ${name.toUpperCase()} `, 'option logLevel'), name);
    }
  });

  test('the numbers of the source framework are understood, also as text', () => {
    const expected = ['debug', 'info', 'warn', 'error', 'fatal', 'fatal', 'fatal'];
    for (const [index, name] of expected.entries()) {
      assert.equal(parseLogLevel(index - 1, 'option logLevel'), name);
      assert.equal(parseLogLevel(String(index - 1), 'GNET_LOGGING_LEVEL'), name);
    }
  });

  test('anything else is refused and the source is named', () => {
    for (const value of ['loud', '', 6, -2, 0.5, Number.NaN, null, {}, true, 'constructor']) {
      assert.throws(
        () => parseLogLevel(value, 'option logLevel'),
        (error: Error) => {
          assert.ok(error instanceof ErrInvalidOption);
          assert.match(error.message, /as option logLevel: use one of debug, info/);
          return true;
        },
      );
    }
  });

  test('a line is logged from its level on', () => {
    assert.equal(isLogged('warn', 'warn'), true);
    assert.equal(isLogged('error', 'warn'), true);
    assert.equal(isLogged('info', 'warn'), false);
    assert.equal(isLogged('fatal', 'silent'), false);
  });
});
