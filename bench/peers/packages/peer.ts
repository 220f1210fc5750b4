import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';

const PROGRAMS: Readonly<Record<string, string>> = {
  'fastify-json': 'fastify.ts',
  'http-body': 'body.ts',
  'websocket-package': 'websocket.ts',
};
const options = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];

function peer(side: string, title: string): Peer {
  return {
    name: `packages-${side}`,
    title,
    works: Object.keys(PROGRAMS),
    unavailable: () => null,
    build() {},
    versions: () => ({ node: process.versions.node }),
    server(work, endpoint) {
      if (endpoint.protocol === 'unix') throw new Error(`${work} is measured over TCP`);
      const program = fileURLToPath(new URL(PROGRAMS[work] as string, import.meta.url));
      return {
        program: process.execPath,
        args: [...options, program, String(endpoint.port), side],
      };
    },
  };
}

/** Packages for node:net, the same program over both. */
const peers: readonly Peer[] = [
  peer('gnet', 'the package over gnet'),
  peer('node', 'the package over node:net'),
];

export default peers;
