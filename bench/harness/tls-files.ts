/** The certificate that every server with TLS is measured with: ECDSA over P-256, one below its root. */

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFamily } from '../../testing/certificates.ts';
import { BUILD_FOLDER } from './command.ts';

export const TLS_CERT: string = join(BUILD_FOLDER, 'tls-cert.pem');
export const TLS_KEY: string = join(BUILD_FOLDER, 'tls-key.pem');
/** Both in one file, as HAProxy wants them. */
export const TLS_BOTH: string = join(BUILD_FOLDER, 'tls-both.pem');

/** Whether the server of that work speaks TLS. */
export function isSecure(work: string): boolean {
  return work.startsWith('tls-');
}

/** It is good for a day. */
const REMADE_AFTER_MS = 12 * 3_600_000;

export function makeTlsFiles(): void {
  const made = statSync(TLS_BOTH, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (Date.now() - made < REMADE_AFTER_MS) return;
  mkdirSync(BUILD_FOLDER, { recursive: true });
  const { leaf, middle } = makeFamily();
  writeFileSync(TLS_CERT, leaf.cert + middle.cert);
  writeFileSync(TLS_KEY, leaf.key);
  writeFileSync(TLS_BOTH, leaf.cert + middle.cert + leaf.key);
}
