import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';

const SOURCE = fileURLToPath(new URL('plaintext.ts', import.meta.url));

const peer: Peer = {
  name: 'node-http',
  title: 'node:http',
  works: ['http-plaintext'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server: (_work, endpoint) => ({
    program: process.execPath,
    args: [SOURCE, endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
