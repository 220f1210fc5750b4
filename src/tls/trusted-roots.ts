import * as tls from 'node:tls';
import { pemBlocks } from './options/pem.ts';

/** Newer than the types of the oldest runtime that is supported. */
type RootsOf = (type: 'default') => readonly string[];

/**
 * The roots that this runtime trusts, DER: those of `tls.getCACertificates('default')`, which follow
 * NODE_EXTRA_CA_CERTS and --use-system-ca; where it has no such function, those built in.
 */
export function runtimeRoots(): readonly Uint8Array[] {
  const all = (tls as { getCACertificates?: RootsOf }).getCACertificates;
  const texts = all === undefined ? tls.rootCertificates : all('default');
  return texts.flatMap((text) => pemBlocks(text).map((block) => block.der));
}
