import { fileURLToPath } from 'node:url';
import type { Endpoint, Peer } from '../../harness/peer.ts';

const options = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const addressOf = (endpoint: Endpoint): string =>
  endpoint.protocol === 'unix' ? `unix://${endpoint.path}` : `tcp://127.0.0.1:${endpoint.port}`;

function peer(name: string, title: string, work: string, file: string): Peer {
  return {
    name,
    title,
    works: [work],
    unavailable: () => null,
    build() {},
    versions: () => ({ node: process.versions.node }),
    server: (_work, endpoint) => ({
      program: process.execPath,
      args: [...options, program(file), addressOf(endpoint)],
    }),
  };
}

/** What packages for node:net cost over connections of gnet: held against `node-http` and `node-net`. */
const peers: readonly Peer[] = [
  peer('stream-http', 'node:http over gnet', 'http-plaintext', 'http.ts'),
  peer('stream-echo', 'sockets of gnet/stream', 'tcp-echo', 'echo.ts'),
];

export default peers;
