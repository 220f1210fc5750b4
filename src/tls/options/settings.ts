import { createHash, X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { ErrInvalidOption, ErrUnsupportedOp } from '../../base/errors.ts';
import {
  asBoolean,
  invalidOption,
  nearestName,
  type OptionCheck,
  oneWordOf,
  wholeNumber,
} from '../../base/option-checks.ts';
import { kernelTlsMissing } from '../../driver/kernel-tls.ts';
import type { ContextSettings } from '../context-settings.ts';
import { TicketKeys } from '../ticket-keys.ts';
import { runtimeRoots } from '../trusted-roots.ts';
import { loadIdentities, type PfxReader } from './identities.ts';
import { listOf, loadInput, wantedBlocks } from './input.ts';
import { isCertificateBlock, isRevocationBlock } from './pem.ts';
import type { TlsContextOptions, TlsInput, TlsVersion } from './types.ts';

/** The settings of one context, and warnings for the operator of the server. */
export interface ReadSettings {
  readonly settings: ContextSettings;
  readonly warnings: readonly string[];
}

/** What reading options needs of an engine. */
export interface OptionReaders {
  readonly readPfx: PfxReader;
  readonly isRevocationList: (der: Uint8Array) => boolean;
}

const asText: OptionCheck<string> = (name, value) => {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
  throw invalidOption(name, value, 'a text');
};

const asFunction: OptionCheck<(line: string) => void> = (name, value) => {
  if (typeof value === 'function') return value as (line: string) => void;
  throw invalidOption(name, value, 'a function');
};

/** Names the obstacle, so that the user need not search for the reason. */
const asKernel: OptionCheck<boolean> = (name, value) => {
  if (!asBoolean(name, value)) return false;
  const missing = kernelTlsMissing();
  throw new ErrUnsupportedOp(
    `cannot use ${name}: ${missing ?? 'this kernel has TLS, but a connection is not handed to it so far'}; ` +
      'leave the option out, and OpenSSL encrypts in this process',
  );
};

const protocolBytesMax = 255;

const asProtocols: OptionCheck<readonly string[]> = (name, value) => {
  const fits = (one: unknown): boolean =>
    typeof one === 'string' &&
    one.length > 0 &&
    one.length <= protocolBytesMax &&
    Buffer.from(one, 'latin1').toString('latin1') === one;
  if (Array.isArray(value) && value.every(fits)) return value as string[];
  throw invalidOption(name, value, `a list of names, each of 1 to ${protocolBytesMax} bytes`);
};

const versionNumbers: Readonly<Record<TlsVersion, number>> = { 'TLSv1.2': 0x303, 'TLSv1.3': 0x304 };
const asVersion = oneWordOf<TlsVersion>(['TLSv1.2', 'TLSv1.3']);

const sessionTimeoutDefault = 300;
/** As RFC 8446 allows for a ticket: a week. */
const sessionTimeoutMax = 604_800;

const checks = {
  minVersion: asVersion,
  maxVersion: asVersion,
  ciphers: asText,
  ecdhCurve: asText,
  sigalgs: asText,
  passphrase: asText,
  honorCipherOrder: asBoolean,
  requestCert: asBoolean,
  rejectUnauthorized: asBoolean,
  ignoreTruncation: asBoolean,
  kernel: asKernel,
  ALPNProtocols: asProtocols,
  sessionTimeout: wholeNumber(1, sessionTimeoutMax, 'seconds'),
  keylog: asFunction,
} as const;

/** Names that `loadIdentities` and others check by using them. */
const inputNames = ['key', 'cert', 'pfx', 'ca', 'crl', 'ticketKeys'] as const;

/** @throws ErrInvalidOption for a value of the wrong kind, or a name that is none of `more` either. */
export function checkTlsOptions(options: unknown, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidOption('tls', options, 'an object with at least key and cert');
  }
  const known: readonly string[] = [...Object.keys(checks), ...inputNames, ...more];
  for (const [name, value] of Object.entries(options)) {
    if (!known.includes(name)) {
      const near = nearestName(name, known);
      throw new ErrInvalidOption(
        `cannot use option tls.${name}: there is none of that name` +
          (near === undefined ? '' : `; did you mean ${near}?`),
      );
    }
    const check = (checks as Readonly<Record<string, OptionCheck<unknown>>>)[name];
    if (value !== undefined) check?.(`tls.${name}`, value);
  }
}

/** `ciphers` for OpenSSL: names of TLS 1.3 have a function of their own. */
function splitCiphers(ciphers: string): { list: string; suites: string } {
  const names = ciphers.split(':').filter((name) => name !== '');
  const isSuite = (name: string): boolean => name.startsWith('TLS_');
  return {
    suites: names.filter(isSuite).join(':'),
    list: names.filter((name) => !isSuite(name)).join(':'),
  };
}

/** Versions and ciphers belong together: a list without any for a version leaves that version out. */
function readCiphers(options: TlsContextOptions) {
  const { list, suites } = splitCiphers(options.ciphers ?? tls.DEFAULT_CIPHERS);
  let minVersion = versionNumbers[options.minVersion ?? 'TLSv1.2'];
  let maxVersion = versionNumbers[options.maxVersion ?? 'TLSv1.3'];
  if (minVersion > maxVersion) {
    throw new ErrInvalidOption(
      `cannot use tls.minVersion '${options.minVersion}' with tls.maxVersion '${options.maxVersion}': ` +
        'no version lies between',
    );
  }
  if (list === '') minVersion = versionNumbers['TLSv1.3'];
  if (suites === '') maxVersion = versionNumbers['TLSv1.2'];
  if (minVersion > maxVersion) {
    throw new ErrInvalidOption(
      `cannot use tls.ciphers '${options.ciphers}': it has no cipher for the versions that are allowed; ` +
        'those of TLS 1.3 begin with TLS_, and the others are for TLS 1.2',
    );
  }
  return {
    minVersion,
    maxVersion,
    ciphers: list === '' ? undefined : list,
    cipherSuites: suites === '' ? undefined : suites,
  };
}

function readTrusted(options: TlsContextOptions): readonly Uint8Array[] | 'runtime' {
  if (options.ca === undefined) return 'runtime';
  return listOf(options.ca as TlsInput | readonly TlsInput[]).flatMap((given) => {
    const input = loadInput('ca', given);
    return wantedBlocks('ca', input, 'CERTIFICATE', isCertificateBlock).map(({ der }) => {
      try {
        return new Uint8Array(new X509Certificate(der).raw);
      } catch (error) {
        throw new ErrInvalidOption(
          `cannot read a certificate of ${input.source} (ca): ${(error as Error).message}`,
          { cause: error },
        );
      }
    });
  });
}

function readRevocations(options: TlsContextOptions, readers: OptionReaders): Uint8Array[] {
  return listOf(options.crl as TlsInput | readonly TlsInput[] | undefined).flatMap((given) => {
    const input = loadInput('crl', given);
    return wantedBlocks('crl', input, 'X509 CRL', isRevocationBlock).map(({ der }) => {
      if (readers.isRevocationList(der)) return der;
      throw new ErrInvalidOption(
        `cannot use ${input.source} as crl: it is not a list of revoked certificates`,
      );
    });
  });
}

function readTicketKeys(given: TlsContextOptions['ticketKeys']): TicketKeys | undefined {
  if (given === undefined) return undefined;
  const keys = given instanceof Uint8Array ? [given] : given;
  if (Array.isArray(keys) && keys.length > 0 && keys.every((key) => key instanceof Uint8Array)) {
    return new TicketKeys(keys);
  }
  throw invalidOption('tls.ticketKeys', given, '48 or 80 bytes, or a list of them');
}

/**
 * Sessions are resumed where the certificate was the same name's and clients were held to the same
 * rules; a new certificate for that name does not end them.
 */
function sessionIdContextOf(name: string, settings: Partial<ContextSettings>): Uint8Array {
  const hash = createHash('sha256').update('gnet').update(name);
  hash.update(`${settings.requestCert} ${settings.rejectUnauthorized}`);
  const { trusted, revocations = [] } = settings;
  if (trusted !== undefined && trusted !== 'runtime') for (const der of trusted) hash.update(der);
  for (const der of revocations) hash.update(der);
  return new Uint8Array(hash.digest());
}

function rootsFor(trusted: readonly Uint8Array[] | 'runtime'): () => readonly X509Certificate[] {
  return () => {
    const all = [...(trusted === 'runtime' ? [] : trusted), ...runtimeRoots()];
    return all.map((der) => new X509Certificate(der));
  };
}

/**
 * Reads files and checks everything that can be checked without a peer.
 * @param name the server name that they are for; empty for all others.
 * @throws ErrInvalidOption, naming the option and the file.
 */
export function readSettings(
  options: TlsContextOptions,
  readers: OptionReaders,
  name = '',
): ReadSettings {
  const trusted = readTrusted(options);
  const { identities, warnings } = loadIdentities(options, readers.readPfx, rootsFor(trusted));
  const { ecdhCurve = 'auto', sigalgs, keylog } = options;
  const settings = {
    identities,
    trusted,
    revocations: readRevocations(options, readers),
    ...readCiphers(options),
    groups: ecdhCurve === 'auto' ? undefined : ecdhCurve,
    signatureAlgorithms: sigalgs,
    honorCipherOrder: options.honorCipherOrder ?? true,
    protocols: options.ALPNProtocols ?? [],
    requestCert: options.requestCert ?? false,
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    ignoreTruncation: options.ignoreTruncation ?? false,
    sessionTimeout: options.sessionTimeout ?? sessionTimeoutDefault,
    ticketKeys: readTicketKeys(options.ticketKeys),
    keylog,
  };
  return {
    settings: { ...settings, sessionIdContext: sessionIdContextOf(name, settings) },
    warnings,
  };
}
