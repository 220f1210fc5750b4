import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';

const EXAMPLES: Readonly<Record<string, string>> = {
  'tcp-echo': 'echo-tcp.ts',
  'unix-echo': 'echo-unix.ts',
  'udp-echo': 'echo-udp.ts',
};
const PACKAGE = new URL('../../../package.json', import.meta.url);

function pathOf(example: string): string {
  return fileURLToPath(new URL(`../../../examples/${example}`, import.meta.url));
}

const peer: Peer = {
  name: 'gnet',
  title: 'gnet for TypeScript',
  works: Object.keys(EXAMPLES),
  unavailable() {
    const missing = Object.values(EXAMPLES).find((example) => !existsSync(pathOf(example)));
    return missing === undefined ? null : `examples/${missing} does not exist`;
  },
  build() {},
  versions: () => ({
    gnet: (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version,
    node: process.versions.node,
  }),
  server: (work, endpoint) => ({
    program: process.execPath,
    args: [
      '--conditions=gnet-source',
      '--disable-warning=ExperimentalWarning',
      pathOf(EXAMPLES[work]!),
      ...(endpoint.protocol === 'unix'
        ? ['--sock', endpoint.path]
        : ['--port', String(endpoint.port)]),
    ],
  }),
};

export default peer;
