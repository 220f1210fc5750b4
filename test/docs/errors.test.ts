import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as errors from '../../src/base/errors.ts';
import * as tlsErrors from '../../src/tls/errors.ts';
import * as topicsErrors from '../../src/topics/errors.ts';
import { firstCells } from './tables.ts';

const documented = firstCells('errors.md');
const classes = [...Object.entries(errors), ...Object.entries(tlsErrors)];
/** Of entries beside the core: they word their messages themselves. */
const beside = Object.entries(topicsErrors);
const named = classes.filter(([name]) => name.startsWith('Err'));

describe('docs/errors.md', () => {
  test('has one row for each exported error class', () => {
    assert.ok(named.length > 20);
    for (const [name] of [...classes, ...beside]) {
      assert.equal(documented.filter((cell) => cell === name).length, 1, `rows of ${name}`);
    }
  });

  test('has no row for a class that is not exported', () => {
    const known = new Set([...classes, ...beside].map(([name]) => name));
    assert.deepEqual(
      documented.filter((cell) => /^(Err|.*Error$)/.test(cell) && !known.has(cell)),
      [],
    );
  });

  test('has each errno code once', () => {
    const codes = documented.filter((cell) => /^E[A-Z0-9]+$/.test(cell));
    assert.ok(codes.includes('EADDRINUSE'));
    assert.deepEqual(codes, [...new Set(codes)]);
  });

  test('says truly that the code of a named error is the name of its class', () => {
    for (const [name, ErrorClass] of named) {
      const error =
        ErrorClass === tlsErrors.ErrTlsCertificate
          ? new ErrorClass('CERT_HAS_EXPIRED', 'text')
          : new (ErrorClass as new (message: string) => errors.GnetError)('text');
      assert.ok(error instanceof errors.GnetError);
      assert.deepEqual([error.code, error.name, error.message], [name, name, 'text']);
      assert.equal(error.docs, `gnet/docs/errors.md#${name}`);
    }
  });
});
