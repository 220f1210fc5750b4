import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';

const sourceOf = (work: string): string =>
  fileURLToPath(new URL(work === 'udp-burst' ? 'burst.ts' : 'echo.ts', import.meta.url));

const peer: Peer = {
  name: 'node-dgram',
  title: 'node:dgram',
  works: ['udp-echo', 'udp-burst'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server: (work, endpoint) => ({
    program: process.execPath,
    args: [sourceOf(work), endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
