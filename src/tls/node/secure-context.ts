import * as tls from 'node:tls';
import { ErrInvalidOption } from '../../base/errors.ts';
import { runtimeOpensslVersion } from '../../host/runtime-tls.ts';
import type { ContextSettings } from '../context-settings.ts';
import { constants } from '../openssl/constants.ts';
import type { Identity } from '../options/identities.ts';
import { pemText } from '../options/pem.ts';
import type { OptionReaders } from '../options/settings.ts';
import { TicketKeys } from '../ticket-keys.ts';

/** Contexts that are kept for ticket keys: the newest one and the one before. */
const keptMax = 2;

const versionNames: Readonly<Record<number, tls.SecureVersion>> = {
  [constants.TLS1_2_VERSION]: 'TLSv1.2',
  [constants.TLS1_3_VERSION]: 'TLSv1.3',
};

/** What `node:tls` takes as a ticket key: name, HMAC key and AES key of 16 bytes each. */
function shortTicketKey(key: Uint8Array): Buffer {
  return Buffer.concat([key.subarray(0, 32), key.subarray(48, 64)]);
}

function identityOptions(identities: readonly Identity[]): tls.SecureContextOptions {
  const open = identities.filter(({ sealed }) => sealed === undefined);
  const sealed = identities.flatMap((one) => (one.sealed === undefined ? [] : [one.sealed]));
  return {
    ...(open.length > 0 && {
      cert: open.map(({ chain }) => chain.map((der) => pemText('CERTIFICATE', der)).join('')),
      key: open.map(({ key }) => pemText('PRIVATE KEY', key)),
    }),
    ...(sealed.length > 0 && {
      pfx: sealed.map(({ pfx, passphrase }) => ({ buf: Buffer.from(pfx), passphrase })),
    }),
  };
}

function secureOptions(settings: ContextSettings): tls.SecureContextOptions {
  const { trusted, revocations, ciphers, cipherSuites, signatureAlgorithms } = settings;
  const list = [cipherSuites, ciphers].filter((one) => one !== undefined).join(':');
  return {
    ...identityOptions(settings.identities),
    ...(trusted !== 'runtime' && { ca: trusted.map((der) => pemText('CERTIFICATE', der)) }),
    ...(revocations.length > 0 && { crl: revocations.map((der) => pemText('X509 CRL', der)) }),
    ...(list !== '' && { ciphers: list }),
    ...(signatureAlgorithms !== undefined && { sigalgs: signatureAlgorithms }),
    ecdhCurve: settings.groups ?? 'auto',
    minVersion: versionNames[settings.minVersion] as tls.SecureVersion,
    maxVersion: versionNames[settings.maxVersion] as tls.SecureVersion,
    honorCipherOrder: settings.honorCipherOrder,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    sessionTimeout: settings.sessionTimeout,
    // At most 32 bytes; as text, of half the hash.
    sessionIdContext: Buffer.from(settings.sessionIdContext.subarray(0, 16)).toString('hex'),
  };
}

/** @throws ErrInvalidOption for what OpenSSL does not take. */
function create(options: tls.SecureContextOptions): tls.SecureContext {
  try {
    return tls.createSecureContext(options);
  } catch (error) {
    throw new ErrInvalidOption(
      `cannot use the options of tls: OpenSSL ${runtimeOpensslVersion} says '${(error as Error).message}'; ` +
        'compare ciphers, ecdhCurve and sigalgs with what it knows',
      { cause: error },
    );
  }
}

/** What the sessions of one server name, or of one client, have in common. */
export class NodeContext {
  readonly settings: ContextSettings;
  readonly #ticketKeys: TicketKeys;
  readonly #options: tls.SecureContextOptions;
  /** By the name of their ticket key; the newest last. */
  readonly #made = new Map<string, tls.SecureContext>();

  /** @throws ErrInvalidOption for what OpenSSL does not take. */
  constructor(settings: ContextSettings) {
    this.settings = settings;
    this.#ticketKeys = settings.ticketKeys ?? new TicketKeys();
    this.#options = secureOptions(settings);
    this.forTickets([]);
  }

  /** One that reads the first ticket of these names whose key is known, else the one with the newest. */
  forTickets(names: readonly Uint8Array[]): tls.SecureContext {
    const key = this.#ticketKeys.keyFor(names);
    const id = Buffer.from(key.subarray(0, 16)).toString('hex');
    const found = this.#made.get(id);
    if (found !== undefined) return found;
    const context = create({ ...this.#options, ticketKeys: shortTicketKey(key) });
    this.#made.set(id, context);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= keptMax) break;
      this.#made.delete(oldest);
    }
    return context;
  }

  /** Nothing of it is outside of the heap's reach. */
  dispose(): void {}
}

export const nodeReaders: OptionReaders = {
  /** It is not looked into: `node:tls` takes it as it is. */
  readPfx(pfx, passphrase) {
    tls.createSecureContext({ pfx: Buffer.from(pfx), passphrase });
    return { chain: [], key: new Uint8Array(), sealed: { pfx: Uint8Array.from(pfx), passphrase } };
  },
  isRevocationList(der) {
    try {
      tls.createSecureContext({ crl: pemText('X509 CRL', der) });
      return true;
    } catch {
      return false;
    }
  },
};
