import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';
import { TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

const SOURCE = fileURLToPath(new URL('echo.ts', import.meta.url));

const peer: Peer = {
  name: 'node-tls',
  title: 'node:tls',
  works: ['tls-echo', 'tls-bulk', 'tls-handshake', 'tls-resumed'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node, openssl: process.versions.openssl }),
  server(_work, endpoint) {
    if (endpoint.protocol === 'unix') throw new Error('this server listens on a port');
    return { program: process.execPath, args: [SOURCE, `${endpoint.port}`, TLS_CERT, TLS_KEY] };
  },
};

export default peer;
