import { fileURLToPath } from 'node:url';
import { PROJECT_FOLDER } from '../../harness/command.ts';
import { packageVersion } from '../../harness/installed.ts';
import type { Endpoint, Peer } from '../../harness/peer.ts';

/** The program of each work, and what it is told besides the side. */
const PROGRAMS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'tcp-echo': ['echo.ts'],
  'http-plaintext': ['plaintext.ts'],
  'fastify-json': ['fastify.ts'],
  'express-json': ['express.ts'],
  'express-2-loops': ['express.ts', '2'],
  'http-body': ['body.ts'],
  'http-upload': ['upload.ts'],
  'http-body-large': ['body.ts'],
  'http-upload-large': ['upload.ts'],
  'websocket-package': ['websocket.ts'],
};
const PACKAGES = ['fastify', 'express', 'ws'];
const OPTIONS = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
/**
 * The parser of node:http makes a new Buffer of each read. How large V8 lets its young generation become,
 * which depends on what a program did at its start, decides then how many of them are alive at once, and
 * that costs more than the sockets: it is the same for both sides.
 */
const UPLOAD_OPTIONS = ['--max-semi-space-size=1'];
/** What node:net has in place of loops. */
const CLUSTER = fileURLToPath(new URL('../node-cluster/cluster.ts', import.meta.url));

interface Parts {
  readonly name: string;
  readonly title: string;
  readonly side: 'node' | 'gnet';
  readonly works?: readonly string[];
  /** Instead of what belongs to the work. */
  readonly rest?: readonly string[];
}

function peer(parts: Parts): Peer {
  const { name, title, side, works = Object.keys(PROGRAMS), rest } = parts;
  return {
    name,
    title,
    works,
    unavailable: () => null,
    build() {},
    versions: () => ({
      node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name, PROJECT_FOLDER)])),
    }),
    server(work, endpoint) {
      const [file, ...more] = PROGRAMS[work] as readonly [string, ...string[]];
      const program = fileURLToPath(new URL(file, import.meta.url));
      const args = [program, portOf(work, endpoint), side, ...(rest ?? more)];
      const ofWork = work === 'http-upload' ? UPLOAD_OPTIONS : [];
      const options = [...ofWork, ...OPTIONS];
      const isCluster = side === 'node' && work === 'express-2-loops';
      return {
        program: process.execPath,
        args: isCluster ? [CLUSTER, ...args] : [...options, ...args],
      };
    },
  };
}

function portOf(work: string, endpoint: Endpoint): string {
  if (endpoint.protocol === 'unix') throw new Error(`${work} is measured over TCP`);
  return String(endpoint.port);
}

/** Packages for node:net, the same program over both. */
const peers: readonly Peer[] = [
  peer({ name: 'packages-gnet', title: 'the package over gnet', side: 'gnet' }),
  peer({ name: 'packages-node', title: 'the package over node:net', side: 'node' }),
  peer({
    name: 'packages-gnet-1-loop',
    title: 'the package over gnet, one loop only',
    side: 'gnet',
    works: ['express-2-loops'],
    rest: ['1'],
  }),
];

export default peers;
