import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrCodec, ErrHandler, GnetError, SyscallError } from '../base/errors.ts';
import { ErrTlsCertificate } from '../tls/errors.ts';
import { packError, packFields, unpackError, unpackFields } from './error-transfer.ts';

/** As it arrives in another thread. */
const sent = (error: unknown): Error => unpackError(structuredClone(packError(error)));

describe('an error that goes to another thread', () => {
  const refused = { syscall: 'bind', errno: 99, address: '192.0.2.77:1' };
  const all = [
    new SyscallError('EADDRNOTAVAIL', 'cannot listen', refused),
    new ErrCodec('cannot encode', { cause: new RangeError('too long') }),
    new ErrHandler('react threw', { cause: 'a text' }),
    new ErrTlsCertificate('CERT_HAS_EXPIRED', 'expired', { alert: 'certificate_expired' }),
    new GnetError('MINE', 'of a program'),
    new TypeError('of the language'),
    Object.assign(new Error('of the runtime'), { code: 'ERR_MODULE_NOT_FOUND' }),
  ];
  for (const error of all) {
    test(`${error.name}: ${error.message}`, () => {
      const received = sent(error);
      assert.equal(Object.getPrototypeOf(received), Object.getPrototypeOf(error));
      assert.deepEqual({ ...received }, { ...error });
      assert.deepEqual(
        [received.name, received.message, received.stack],
        [error.name, error.message, error.stack],
      );
      assert.deepEqual(received.cause, error.cause);
    });
  }

  test('a class of a program becomes the one that it extends', () => {
    class Own extends ErrCodec {}
    const received = sent(new Own('cannot encode'));
    assert.ok(received instanceof ErrCodec);
    assert.deepEqual([received.name, received.code], ['Own', 'ErrCodec']);
  });

  test('whatever was thrown arrives as an error', () => {
    const loop = new Error('its own cause');
    loop.cause = loop;
    assert.equal((sent(loop).cause as Error).message, 'its own cause');
    const hostile = new Error('hostile', { cause: () => {} });
    assert.equal(typeof sent(hostile).cause, 'string');
    Object.defineProperty(hostile, 'code', {
      get() {
        throw new Error('no');
      },
    });
    assert.equal(sent(hostile).message, 'hostile');
    assert.equal(sent('a text').message, 'a text');
    assert.equal(sent(Object.assign(new Error('x'), { code: 'toString' })).constructor, Error);
  });

  test('in a log line, too', () => {
    const fields = unpackFields(structuredClone(packFields({ err: all[0], loop: 1 })));
    assert.deepEqual(fields, { err: all[0], loop: 1 });
  });
});
