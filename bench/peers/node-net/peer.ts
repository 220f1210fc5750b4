import { fileURLToPath } from 'node:url';
import type { Endpoint, Peer } from '../../harness/peer.ts';

const PROXY = fileURLToPath(new URL('proxy.ts', import.meta.url));
const SOURCE = fileURLToPath(new URL('echo.ts', import.meta.url));

const peer: Peer = {
  name: 'node-net',
  title: 'node:net',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
    'unix-echo',
    'tcp-proxy',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server: (work, endpoint, backend) => ({
    program: process.execPath,
    args:
      work === 'tcp-proxy' && backend !== undefined
        ? [PROXY, addressOf(endpoint), addressOf(backend)]
        : [SOURCE, endpoint.protocol, addressOf(endpoint)],
  }),
};

function addressOf(endpoint: Endpoint): string {
  return endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port);
}

export default peer;
