/** One `-----BEGIN …-----` block of a PEM text. */
export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `EC PRIVATE KEY`, … */
  readonly label: string;
  readonly der: Uint8Array;
  /** The block itself, for functions that want PEM. */
  readonly text: string;
}

const blockPattern = /-----BEGIN ([A-Z0-9 #]+)-----\r?\n([\s\S]*?)-----END \1-----/g;

/** Every block of `text`, in order; text between them is a comment. */
export function pemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(blockPattern), ([whole, label = '', body = '']) => {
    // Headers as of an encrypted key ("Proc-Type: 4,ENCRYPTED") end with an empty line.
    const base64 = /^[\w-]+:/.test(body) ? (body.split(/\r?\n\r?\n/, 2)[1] ?? '') : body;
    return { label, der: new Uint8Array(Buffer.from(base64, 'base64')), text: `${whole}\n` };
  });
}

export const isCertificateBlock = ({ label }: PemBlock): boolean =>
  label === 'CERTIFICATE' || label === 'X509 CERTIFICATE' || label === 'TRUSTED CERTIFICATE';

export const isKeyBlock = ({ label }: PemBlock): boolean => label.endsWith('PRIVATE KEY');

export const isRevocationBlock = ({ label }: PemBlock): boolean => label === 'X509 CRL';

/** The block of these bytes. */
export function pemText(label: string, der: Uint8Array): string {
  const text = Buffer.from(der.buffer, der.byteOffset, der.length).toString('base64');
  const lines = text.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
