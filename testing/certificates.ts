/**
 * Certificates for tests, made on the spot: a small writer of DER over the signatures of `node:crypto`.
 * Nothing that a real authority must do is done.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

export type KeyKind = 'ec' | 'rsa' | 'rsa-pss' | 'ed25519';

export interface CertificateOptions {
  readonly commonName: string;
  /** Names and IP addresses that it is for. */
  readonly names?: readonly string[];
  readonly kind?: KeyKind;
  /** Signed by that one; by itself without it. */
  readonly issuer?: Certificate;
  readonly authority?: boolean;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export interface Certificate {
  readonly der: Buffer;
  /** PEM. */
  readonly cert: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly privateKey: KeyObject;
  readonly subject: Buffer;
  readonly serial: Buffer;
}

const hourMs = 3_600_000;

function tagged(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = body.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const digits = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | digits.length, ...digits]), body]);
}

const sequence = (...parts: Uint8Array[]): Buffer => tagged(0x30, ...parts);
const integer = (bytes: Uint8Array): Buffer => tagged(0x02, bytes);
const bits = (bytes: Uint8Array): Buffer => tagged(0x03, Buffer.from([0]), bytes);
const octets = (bytes: Uint8Array): Buffer => tagged(0x04, bytes);

function objectId(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tagged(0x06, Buffer.from(bytes));
}

/** With two digits for the year until 2049, as certificates must have it. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  const short = date.getUTCFullYear() < 2050;
  return tagged(short ? 0x17 : 0x18, Buffer.from(short ? digits.slice(2) : digits, 'latin1'));
}

const nameOf = (commonName: string): Buffer =>
  sequence(tagged(0x31, sequence(objectId('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)))));

const algorithms: Readonly<Record<string, Buffer>> = {
  ec: sequence(objectId('1.2.840.10045.4.3.2')),
  rsa: sequence(objectId('1.2.840.113549.1.1.11'), Buffer.from([5, 0])),
  ed25519: sequence(objectId('1.3.101.112')),
};

function makeKeys(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (kind === 'ed25519') return generateKeyPairSync('ed25519');
  if (kind === 'rsa-pss') {
    const hash = { hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256', saltLength: 32 } as const;
    // Node's types have no overload without encodings for it.
    const generate = generateKeyPairSync as unknown as (
      type: 'rsa-pss',
      options: object,
    ) => { privateKey: KeyObject; publicKey: KeyObject };
    return generate('rsa-pss', { modulusLength: 2048, ...hash });
  }
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const [before, after] = [words(head), words(tail)];
  const middle = new Array<number>(8 - before.length - after.length).fill(0);
  return Buffer.from([...before, ...middle, ...after].flatMap((word) => [word >> 8, word & 0xff]));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const mark = critical ? [tagged(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...mark, octets(value));
}

function extensionsOf({ names = [], authority = false }: CertificateOptions): Buffer {
  const list: Buffer[] = [];
  if (authority) {
    list.push(extension('2.5.29.19', true, sequence(tagged(0x01, Buffer.from([0xff])))));
    const certAndListSign = Buffer.from([0x03, 0x02, 0x01, 0x06]);
    list.push(extension('2.5.29.15', true, certAndListSign));
  }
  if (names.length > 0) {
    const all = names.map((name) =>
      isIP(name) === 0 ? tagged(0x82, Buffer.from(name)) : tagged(0x87, addressBytes(name)),
    );
    list.push(extension('2.5.29.17', false, sequence(...all)));
  }
  return list.length === 0 ? Buffer.alloc(0) : tagged(0xa3, sequence(...list));
}

function signed(body: Buffer, key: KeyObject): Buffer {
  const kind = key.asymmetricKeyType as string;
  const signature = sign(kind === 'ed25519' ? null : 'sha256', body, key);
  return sequence(body, algorithms[kind] as Buffer, bits(signature));
}

export const pemOf = (label: string, der: Uint8Array): string => {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
};

export function makeCertificate(options: CertificateOptions): Certificate {
  const { commonName, kind = 'ec', issuer } = options;
  const { privateKey, publicKey } = makeKeys(kind);
  const subject = nameOf(commonName);
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const signer = issuer?.privateKey ?? privateKey;
  const now = Date.now();
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    algorithms[signer.asymmetricKeyType as string] as Buffer,
    issuer?.subject ?? subject,
    sequence(
      time(options.notBefore ?? new Date(now - hourMs)),
      time(options.notAfter ?? new Date(now + 24 * hourMs)),
    ),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensionsOf(options),
  );
  const der = signed(body, signer);
  return {
    der,
    cert: pemOf('CERTIFICATE', der),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    subject,
    serial,
  };
}

/** A list, PEM, by which `issuer` revokes these. */
export function makeRevocationList(issuer: Certificate, revoked: readonly Certificate[]): string {
  const now = Date.now();
  const entries = revoked.map(({ serial }) => sequence(integer(serial), time(new Date(now))));
  const body = sequence(
    integer(Buffer.from([1])),
    algorithms[issuer.privateKey.asymmetricKeyType as string] as Buffer,
    issuer.subject,
    time(new Date(now - hourMs)),
    time(new Date(now + 24 * hourMs)),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
  );
  return pemOf('X509 CRL', signed(body, issuer.privateKey));
}

/** A root, an intermediate authority and a certificate for `localhost` and 127.0.0.1. */
export function makeFamily(kind: KeyKind = 'ec') {
  const suffix = kind === 'ec' ? '' : ` ${kind}`;
  const root = makeCertificate({ commonName: `test root${suffix}`, authority: true });
  const middle = makeCertificate({
    commonName: `test middle${suffix}`,
    authority: true,
    issuer: root,
  });
  const names = ['localhost', '*.example.test', '127.0.0.1', '::1'];
  const leaf = makeCertificate({ commonName: 'localhost', names, issuer: middle, kind });
  const client = makeCertificate({ commonName: 'test client', issuer: middle, kind });
  return { root, middle, leaf, client };
}
