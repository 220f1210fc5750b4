/** Which engine does TLS here. It is loaded when TLS is used for the first time. */
import { environment } from '../../base/environment.ts';
import { isGnetError } from '../../base/thrown.ts';
import { loadLate } from '../../platform/load-late.ts';
import { ErrTlsUnavailable } from '../../tls/errors.ts';
import type { TlsEngine } from './engine.ts';

/** No FFI, or no OpenSSL that it could call. */
const unavailable: readonly string[] = ['ErrUnsupportedPlatform', 'ErrTlsUnavailable'];

let loading: Promise<TlsEngine> | null = null;

/** @throws ErrTlsUnavailable where this runtime has no TLS at all; SyscallError, such as EMFILE. */
export function loadEngine(): Promise<TlsEngine> {
  loading ??= loadLate(load, 'what speaks TLS').catch((error: unknown) => {
    // A lack passes: who asks next tries again.
    loading = null;
    throw error;
  });
  return loading;
}

async function load(): Promise<TlsEngine> {
  // For tests, and for who trusts the runtime's own way more.
  if (environment['GNET_OPENSSL'] === 'node:tls') return loadNodeEngine(undefined);
  try {
    return (await import('./openssl-engine.ts')).opensslEngine;
  } catch (error) {
    if (!isGnetError(error) || !unavailable.includes(error.code)) throw error;
    return loadNodeEngine(error);
  }
}

async function loadNodeEngine(reason: Error | undefined): Promise<TlsEngine> {
  try {
    return (await import('./node-engine.ts')).nodeEngine;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_NO_CRYPTO') throw error;
    throw new ErrTlsUnavailable(
      'cannot speak TLS: this runtime was built without OpenSSL, and no other can be called' +
        `${reason === undefined ? '' : ` (${reason.message})`}; use an official build of Node, or put a ` +
        'TLS proxy in front',
      { cause: reason },
    );
  }
}
