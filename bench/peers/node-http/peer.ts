import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';
import { isSecure, TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

const SOURCE = fileURLToPath(new URL('plaintext.ts', import.meta.url));

const peer: Peer = {
  name: 'node-http',
  title: 'node:http and node:https',
  works: ['http-plaintext', 'tls-plaintext'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server: (work, endpoint) => ({
    program: process.execPath,
    args: [
      SOURCE,
      endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
      ...(isSecure(work) ? [TLS_CERT, TLS_KEY] : []),
    ],
  }),
};

export default peer;
