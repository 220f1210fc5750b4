import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';
import { TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

const PROXY = fileURLToPath(new URL('proxy.ts', import.meta.url));
const SOURCE = fileURLToPath(new URL('echo.ts', import.meta.url));

const peer: Peer = {
  name: 'node-tls',
  title: 'node:tls',
  works: ['tls-echo', 'tls-bulk', 'tls-handshake', 'tls-resumed', 'tls-proxy', 'tls-idle-memory'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node, openssl: process.versions.openssl }),
  server(_work, endpoint, backend) {
    if (endpoint.protocol === 'unix') throw new Error('this server listens on a port');
    if (backend !== undefined && backend.protocol !== 'unix') {
      const args = [PROXY, `${endpoint.port}`, `${backend.port}`, TLS_CERT, TLS_KEY];
      return { program: process.execPath, args };
    }
    return { program: process.execPath, args: [SOURCE, `${endpoint.port}`, TLS_CERT, TLS_KEY] };
  },
};

export default peer;
