import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';

const SOURCE = fileURLToPath(new URL('echo.ts', import.meta.url));

const peer: Peer = {
  name: 'node-dgram',
  title: 'node:dgram',
  works: ['udp-echo'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server: (_work, endpoint) => ({
    program: process.execPath,
    args: [SOURCE, endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
