/** Certificates, keys and lists, between DER and OpenSSL's objects. */

import { assert } from '../../base/assert.ts';
import { type Address, word } from '../../ffi/index.ts';
import type { Identity } from '../options/identities.ts';
import { cText, decode, encode, isNull, resultAddress, resultPlace } from './arguments.ts';
import {
  d2i_AutoPrivateKey,
  d2i_PKCS12,
  d2i_X509,
  d2i_X509_CRL,
  EVP_PKEY_free,
  i2d_PrivateKey,
  i2d_X509,
  OPENSSL_sk_free,
  OPENSSL_sk_new_null,
  OPENSSL_sk_num,
  OPENSSL_sk_push,
  OPENSSL_sk_value,
  PKCS12_free,
  PKCS12_parse,
  SSL_CTX_use_cert_and_key,
  X509_CRL_free,
  X509_free,
  X509_STORE_add_cert,
  X509_STORE_add_crl,
  X509_STORE_free,
  X509_STORE_new,
  X509_STORE_set_flags,
} from './bindings.ts';
import { constants } from './constants.ts';
import { clearErrors, takeError } from './error-queue.ts';

/** Calls `use` with an object made of `der`, and frees it. @throws Error when `der` is not one. */
export function withCertificate<T>(der: Uint8Array, use: (certificate: Address) => T): T {
  const certificate = decode(d2i_X509, der);
  if (isNull(certificate)) throw new Error(`is no certificate: ${takeError().text}`);
  try {
    return use(certificate);
  } finally {
    X509_free(certificate);
  }
}

/** A `STACK_OF(X509)`, whose certificates are freed with it. */
function makeStack(certificates: readonly Uint8Array[]): Address {
  const stack = OPENSSL_sk_new_null();
  for (const der of certificates) OPENSSL_sk_push(stack, decode(d2i_X509, der));
  return stack;
}

function freeStack(stack: Address): void {
  if (isNull(stack)) return;
  const count = OPENSSL_sk_num(stack);
  for (let index = 0; index < count; index++) X509_free(OPENSSL_sk_value(stack, word(index)));
  OPENSSL_sk_free(stack);
}

/** @throws Error that says why the context does not take it. */
export function useIdentity(context: Address, { chain, key }: Identity): void {
  const [leaf, ...others] = chain;
  assert(leaf !== undefined, 'an identity has a certificate');
  const privateKey = decode(d2i_AutoPrivateKey, key);
  if (isNull(privateKey)) throw new Error(`the key cannot be read: ${takeError().text}`);
  // With more than one certificate, each of another kind, a context picks what the peer can verify.
  const override = 1;
  const stack = makeStack(others);
  try {
    withCertificate(leaf, (certificate) => {
      const taken = SSL_CTX_use_cert_and_key(
        context,
        certificate,
        privateKey,
        stack,
        word(override),
      );
      if (taken !== 1) throw new Error(takeError().text);
    });
  } finally {
    freeStack(stack);
    EVP_PKEY_free(privateKey);
  }
}

/** A store of certificates to trust and lists of revoked ones; the caller frees it. */
export function makeStore(
  trusted: readonly Uint8Array[],
  revocations: readonly Uint8Array[],
): Address {
  const store = X509_STORE_new();
  for (const der of trusted) {
    const certificate = decode(d2i_X509, der);
    if (isNull(certificate)) continue; // one of the system's that OpenSSL cannot read
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
  }
  for (const der of revocations) {
    const list = decode(d2i_X509_CRL, der);
    assert(!isNull(list), 'a list has been checked before');
    X509_STORE_add_crl(store, list);
    X509_CRL_free(list);
  }
  if (revocations.length > 0) {
    const { X509_V_FLAG_CRL_CHECK, X509_V_FLAG_CRL_CHECK_ALL } = constants;
    X509_STORE_set_flags(store, word(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL));
  }
  clearErrors();
  return store;
}

export function freeStore(store: Address): void {
  X509_STORE_free(store);
}

/** Whether these bytes are a list of revoked certificates. */
export function isRevocationList(der: Uint8Array): boolean {
  const list = decode(d2i_X509_CRL, der);
  clearErrors();
  if (isNull(list)) return false;
  X509_CRL_free(list);
  return true;
}

/** @throws Error that says why it cannot be read. */
export function readPfx(pfx: Uint8Array, passphrase: string): Identity {
  const file = decode(d2i_PKCS12, pfx);
  if (isNull(file)) throw new Error(`it is no PKCS #12 file: ${takeError().text}`);
  const [keyPlace, certificatePlace, stackPlace] = [resultPlace(0), resultPlace(1), resultPlace(2)];
  const text = cText(passphrase);
  const ok = PKCS12_parse(file, text, keyPlace, certificatePlace, stackPlace) === 1;
  const [key, certificate, stack] = [resultAddress(0), resultAddress(1), resultAddress(2)];
  cText('\x01'.repeat(passphrase.length)); // a secret is not left behind
  PKCS12_free(file);
  try {
    if (!ok) throw new Error(takeError().text);
    if (isNull(key) || isNull(certificate)) {
      throw new Error('it holds no certificate together with its key');
    }
    const others: Buffer[] = [];
    const count = isNull(stack) ? 0 : OPENSSL_sk_num(stack);
    for (let index = 0; index < count; index++) {
      others.push(encode(i2d_X509, OPENSSL_sk_value(stack, word(index))));
    }
    const chain = [encode(i2d_X509, certificate), ...others];
    return { chain, key: encode(i2d_PrivateKey, key) };
  } finally {
    freeStack(stack);
    if (!isNull(certificate)) X509_free(certificate);
    if (!isNull(key)) EVP_PKEY_free(key);
    clearErrors();
  }
}
