import { requireInstalled } from './own-file.ts';

/** What the core needs of `node:crypto`, loaded when first used: it takes a tenth of a start. */
const crypto = () => requireInstalled('node:crypto') as typeof import('node:crypto');

/** Twice as many digits as bytes. */
export function randomHex(byteCount: number): string {
  return crypto().randomBytes(byteCount).toString('hex');
}

export function sha256Hex(text: string): string {
  return crypto().createHash('sha256').update(text).digest('hex');
}
