import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { ErrInvalidOption } from '../../base/errors.ts';
import { type LoadedInput, listOf, loadInput, wantedBlocks } from './input.ts';
import { isCertificateBlock, isKeyBlock, pemBlocks } from './pem.ts';
import type { TlsContextOptions, TlsInput } from './types.ts';

/** A certificate with its chain, leaf first, and its key; all DER. */
export interface Identity {
  readonly chain: readonly Uint8Array[];
  readonly key: Uint8Array;
  /** A PKCS #12 file that this engine uses as it is; the others are empty then. */
  readonly sealed?: { readonly pfx: Uint8Array; readonly passphrase: string };
}

/** Reads a PKCS #12 file. @throws Error that says why it cannot. */
export type PfxReader = (pfx: Uint8Array, passphrase: string) => Identity;

interface LoadedKey {
  readonly source: string;
  readonly key: KeyObject;
}

interface LoadedChain {
  readonly source: string;
  readonly certificates: readonly X509Certificate[];
}

const describe = ({ source, certificates }: LoadedChain): string =>
  `${source} (${(certificates[0] as X509Certificate).subject?.replaceAll('\n', ', ') || 'no subject'})`;

function parseCertificate(source: string, der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw new ErrInvalidOption(
      `cannot read a certificate of ${source}: ${(error as Error).message}; is the file whole?`,
      { cause: error },
    );
  }
}

function loadChain(input: LoadedInput): LoadedChain {
  const blocks = wantedBlocks('cert', input, 'CERTIFICATE', isCertificateBlock);
  const { source } = input;
  return { source, certificates: blocks.map(({ der }) => parseCertificate(source, der)) };
}

function openKey(source: string, pem: string | Uint8Array, passphrase?: string): KeyObject {
  try {
    const secret = passphrase === undefined ? {} : { passphrase };
    if (typeof pem === 'string') return createPrivateKey({ key: pem, ...secret });
    return createPrivateKey({ key: Buffer.from(pem), format: 'der', type: 'pkcs8', ...secret });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    const encrypted =
      code === 'ERR_MISSING_PASSPHRASE' || /passphrase|decrypt|interrupted/i.test(message);
    const hint = encrypted
      ? passphrase === undefined
        ? 'it is encrypted: give its `passphrase`'
        : 'is the `passphrase` right?'
      : 'wanted is a private key, PEM or PKCS #8';
    throw new ErrInvalidOption(`cannot read the key of ${source}: ${message}; ${hint}`, {
      cause: error,
    });
  }
}

/** Whether it is `{ pem, passphrase }` or `{ buf, passphrase }`. */
function withPassphrase(given: unknown, member: 'pem' | 'buf'): [TlsInput, string | undefined] {
  if (typeof given === 'object' && given !== null && member in given) {
    const object = given as Record<string, unknown>;
    return [object[member] as TlsInput, object['passphrase'] as string | undefined];
  }
  return [given as TlsInput, undefined];
}

function loadKeys(options: TlsContextOptions, chains: readonly LoadedInput[]): LoadedKey[] {
  const keys: LoadedKey[] = [];
  for (const given of listOf(options.key as TlsInput | readonly TlsInput[] | undefined)) {
    const [pem, own] = withPassphrase(given, 'pem');
    const input = loadInput('key', pem);
    const { source } = input;
    const passphrase = own ?? options.passphrase;
    for (const { text, der } of wantedBlocks('key', input, 'PRIVATE KEY', isKeyBlock)) {
      keys.push({ source, key: openKey(source, text || der, passphrase) });
    }
  }
  if (keys.length > 0) return keys;
  // Many tools write key and certificate into one file.
  for (const { source, bytes } of chains) {
    for (const block of pemBlocks(Buffer.from(bytes).toString('latin1')).filter(isKeyBlock)) {
      keys.push({ source, key: openKey(source, block.text, options.passphrase) });
    }
  }
  return keys;
}

function keyFor(chain: LoadedChain, keys: readonly LoadedKey[]): LoadedKey {
  const leaf = chain.certificates[0] as X509Certificate;
  const found = keys.find(({ key }) => leaf.checkPrivateKey(key));
  if (found !== undefined) return found;
  if (keys.length === 0) {
    throw new ErrInvalidOption(
      `cannot use the certificate ${describe(chain)}: there is no private key; give it as key, or in ` +
        'the same file',
    );
  }
  const sources = keys.map(({ source }) => source).join(' and ');
  const elsewhere = chain.certificates
    .slice(1)
    .some((other) => keys.some(({ key }) => other.checkPrivateKey(key)));
  throw new ErrInvalidOption(
    `cannot use the certificate ${describe(chain)} with the key of ${sources}: they do not belong together; ` +
      (elsewhere
        ? 'the key fits another certificate of that file, whose own must stand first'
        : 'give the key that the certificate was requested with'),
  );
}

/** Problems that do not stop a server but that its operator should know. */
function warningsOf(chain: LoadedChain, trusted: () => readonly X509Certificate[]): string[] {
  const warnings: string[] = [];
  const now = Date.now();
  for (const [index, certificate] of chain.certificates.entries()) {
    const which =
      index === 0
        ? `the certificate of ${describe(chain)}`
        : `certificate ${index + 1} of ${chain.source}`;
    if (Date.parse(certificate.validTo) < now) {
      warnings.push(`${which} expired on ${certificate.validTo}: peers refuse it; renew it`);
    } else if (Date.parse(certificate.validFrom) > now) {
      warnings.push(
        `${which} is valid only from ${certificate.validFrom} on: peers refuse it until then`,
      );
    }
    const next = chain.certificates[index + 1];
    if (next !== undefined && !certificate.checkIssued(next)) {
      warnings.push(
        `certificate ${index + 2} of ${chain.source} has not signed the one before it: put the chain in ` +
          'order, the certificate itself first and each behind the one that it signed',
      );
    }
  }
  const last = chain.certificates.at(-1) as X509Certificate;
  if (!last.checkIssued(last) && !trusted().some((root) => last.checkIssued(root))) {
    warnings.push(
      `the chain of ${describe(chain)} ends with a certificate whose issuer (${last.issuer?.replaceAll('\n', ', ')}) ` +
        'is neither in the file nor a root that is known here: most peers will refuse it; give the whole ' +
        "chain (Let's Encrypt: fullchain.pem in place of cert.pem)",
    );
  }
  return warnings;
}

function loadPfx(options: TlsContextOptions, readPfx: PfxReader) {
  return listOf(options.pfx as TlsInput | readonly TlsInput[] | undefined).map((given) => {
    const [buf, own] = withPassphrase(given, 'buf');
    const { source, bytes } = loadInput('pfx', buf);
    try {
      return { source, identity: readPfx(bytes, own ?? options.passphrase ?? '') };
    } catch (error) {
      throw new ErrInvalidOption(
        `cannot read ${source} as pfx: ${(error as Error).message}; is the passphrase right? Files with ` +
          'the old encryption RC2-40 must be made again (openssl pkcs12 -export without -legacy)',
        { cause: error },
      );
    }
  });
}

/**
 * The certificates of `cert`, `key` and `pfx`, each with its key.
 * @param trusted roots to look for the issuer of a chain in.
 * @throws ErrInvalidOption, naming the file, for what cannot be read or does not belong together.
 */
export function loadIdentities(
  options: TlsContextOptions,
  readPfx: PfxReader,
  trusted: () => readonly X509Certificate[],
): { readonly identities: readonly Identity[]; readonly warnings: readonly string[] } {
  const inputs = listOf(options.cert as TlsInput | readonly TlsInput[] | undefined).map((input) =>
    loadInput('cert', input),
  );
  const chains = inputs.map(loadChain);
  const keys = loadKeys(options, inputs);
  if (chains.length === 0 && keys.length > 0) {
    throw new ErrInvalidOption(
      `cannot use the key of ${keys[0]?.source}: there is no certificate; give it as cert`,
    );
  }
  const identities = chains.map((chain): Identity => {
    const { key } = keyFor(chain, keys);
    return {
      chain: chain.certificates.map(({ raw }) => new Uint8Array(raw)),
      key: new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })),
    };
  });
  const warnings = chains.flatMap((chain) => warningsOf(chain, trusted));
  for (const { source, identity } of loadPfx(options, readPfx)) {
    const certificates = identity.chain.map((der) => parseCertificate(source, der));
    identities.push(identity);
    if (certificates.length > 0) warnings.push(...warningsOf({ source, certificates }, trusted));
  }
  return { identities, warnings };
}
