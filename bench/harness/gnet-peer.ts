/** Our own servers, the examples of a checkout, as peers. */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { flagsOf, installedRuntime, type RuntimeName } from '../../scripts/other-runtime.ts';
import { outputOf, PROJECT_FOLDER } from './command.ts';
import type { Endpoint, Peer } from './peer.ts';
import { isSecure, TLS_CERT, TLS_KEY } from './tls-files.ts';
import { loopsOf } from './work.ts';

/** The app that the other servers of Hono run; no example shows all of that. */
const HONO = '../bench/peers/gnet/hono.ts';
const WEBSOCKETS = '../bench/peers/gnet/websockets.ts';
/** Whoever can forge a sender could have it flood somebody else: no example to copy. */
const BURST = '../bench/peers/gnet/burst.ts';
/** The example looks at the sender of each datagram, which no other peer does. */
const UDP_ECHO = '../bench/peers/gnet/echo-udp.ts';
/** One file without flags, as that of `node:net`: what an example shows besides would be measured, too. */
const START = '../bench/peers/gnet/echo.ts';
const EXAMPLES: Readonly<Record<string, string>> = {
  'tcp-echo': 'echo-tcp.ts',
  'tcp-echo-paced': 'echo-tcp.ts',
  'unix-echo': 'echo-unix.ts',
  'udp-echo': UDP_ECHO,
  'udp-burst': BURST,
  'length-field-echo': 'codec/server.ts',
  'http-plaintext': 'http.ts',
  resp: 'redis.ts',
  'tcp-proxy': 'proxy.ts',
  'connection-rate': 'echo-tcp.ts',
  'idle-memory': 'echo-tcp.ts',
  'start-up': START,
  'tcp-echo-2-loops': 'echo-tcp.ts',
  'http-2-loops': 'http.ts',
  'tls-echo': 'echo-tcp.ts',
  'tls-bulk': 'echo-tcp.ts',
  'tls-handshake': 'echo-tcp.ts',
  'tls-resumed': 'echo-tcp.ts',
  'tls-plaintext': 'http.ts',
  'tls-proxy': 'proxy.ts',
  'tls-idle-memory': 'echo-tcp.ts',
  'fetch-hello': HONO,
  'fetch-json': HONO,
  'fetch-post': HONO,
  'fetch-stream': HONO,
  'websocket-echo': WEBSOCKETS,
  'websocket-fanout': WEBSOCKETS,
  'websocket-fanout-2-loops': WEBSOCKETS,
  'websocket-idle-memory': WEBSOCKETS,
};
/** Of a program that uses the package as it is published. */
const PACKED_OPTIONS = ['--disable-warning=ExperimentalWarning'];
const NODE_OPTIONS = ['--conditions=gnet-source', ...PACKED_OPTIONS];
/** Examples take a thousand connections unless they are told of more. */
const manyConnections: ReadonlySet<string> = new Set([
  'idle-memory',
  'tls-echo',
  'tls-idle-memory',
]);
const PROBE_TIMEOUT_MS = 20_000;

export interface GnetPeerOptions {
  readonly name: string;
  readonly title: string;
  /** Instead of the one that the framework chooses. */
  readonly driver?: string;
  /** Instead of all that we do. */
  readonly works?: readonly string[];
  /** Of another example than the one that belongs to a work. */
  readonly examples?: Readonly<Record<string, string>>;
  /** More flags for the example. */
  readonly flags?: readonly string[];
  /** The checkout that is measured; this one when left out. */
  readonly root?: string;
  /** What runs it in place of Node. */
  readonly runtime?: RuntimeName;
}

export function gnetPeer(options: GnetPeerOptions): Peer {
  const { name, title, driver, flags = [], root = PROJECT_FOLDER, runtime } = options;
  const examples = { ...EXAMPLES, ...options.examples };
  const env = driver === undefined ? {} : { GNET_DRIVER: driver };
  const probes = new Map<number, Probe>();
  const probe = (loops: number): Probe => {
    const found = probes.get(loops) ?? probeServer(root, env, loops);
    probes.set(loops, found);
    return found;
  };
  return {
    name,
    title,
    works: options.works ?? Object.keys(examples),
    unavailable(work) {
      const example = examples[work];
      if (example === undefined || !existsSync(join(root, 'examples', example))) {
        return `examples/${example ?? work} does not exist`;
      }
      if (runtime !== undefined) return missingRuntime(runtime);
      if (flags.length === 0 && driver !== undefined && automaticDriver(root) === driver) {
        return `'gnet' has taken the driver '${driver}' by itself`;
      }
      return refusal(probe(loopsOf(work)), loopsOf(work), driver);
    },
    build(work) {
      // What a user starts is the package: hundreds of files of TypeScript would be most of the time.
      if (work === 'start-up') buildPackage(root);
    },
    versions: () => ({
      gnet: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
        .version,
      ...commitOf(root),
      node: process.versions.node,
      ...(runtime === undefined
        ? { driver: probe(1).driver ?? 'unknown' }
        : { [runtime]: /\d+\.\d+\S*/.exec(outputOf(programOf(runtime), ['--version']))![0] }),
    }),
    server: (work, endpoint, backend) => ({
      program: programOf(runtime),
      args: [
        ...(runtime === undefined ? nodeOptions(work) : flagsOf(runtime)),
        join(root, 'examples', examples[work]!),
        ...addressFlags(endpoint),
        ...(backend?.protocol === 'tcp' ? ['--upstream', `127.0.0.1:${backend.port}`] : []),
        ...(isSecure(work) ? ['--tls', `${TLS_CERT},${TLS_KEY}`] : []),
        ...(manyConnections.has(work) ? ['--max-connections', '1000000'] : []),
        ...(loopsOf(work) === 1 ? [] : ['--loops', `${loopsOf(work)}`]),
        ...flags,
      ],
      env,
    }),
  };
}

function nodeOptions(work: string): readonly string[] {
  return work === 'start-up' ? PACKED_OPTIONS : NODE_OPTIONS;
}

function missingRuntime(runtime: RuntimeName): string | null {
  if (installedRuntime(runtime) !== undefined) return null;
  return `${runtime} is not installed: node scripts/other-runtime.ts ${runtime}`;
}

function programOf(runtime: RuntimeName | undefined): string {
  return runtime === undefined ? process.execPath : (installedRuntime(runtime) ?? runtime);
}

/** What was measured says the version of the package only once in a while; nothing without git. */
function commitOf(root: string): { commit?: string } {
  const git = (...args: string[]) => spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  if (head.status !== 0) return {};
  const changed = git('status', '--porcelain', '--', 'src', 'examples').stdout !== '';
  return { commit: `${head.stdout.trim()}${changed ? ' and changes' : ''}` };
}

const builtRoots = new Set<string>();

function buildPackage(root: string): void {
  if (builtRoots.has(root)) return;
  outputOf(process.execPath, [join(root, 'scripts', 'build.ts')]);
  builtRoots.add(root);
}

const automaticDrivers = new Map<string, string | undefined>();

function automaticDriver(root: string): string | undefined {
  if (!automaticDrivers.has(root)) automaticDrivers.set(root, probeServer(root, {}, 1).driver);
  return automaticDrivers.get(root);
}

function addressFlags(endpoint: Endpoint): string[] {
  return endpoint.protocol === 'unix'
    ? ['--sock', endpoint.path]
    : ['--port', String(endpoint.port)];
}

interface Probe {
  readonly driver?: string;
  readonly loops?: number;
  /** Why no server started. */
  readonly failure?: string;
}

/** Starts a server in a process of its own and asks it which driver and how many loops it has. */
function probeServer(root: string, env: Readonly<Record<string, string>>, loops: number): Probe {
  const script = join(PROJECT_FOLDER, 'bench', 'harness', 'gnet-probe.ts');
  const entry = join(root, 'src', 'index.ts');
  const result = spawnSync(process.execPath, [...NODE_OPTIONS, script, entry, String(loops)], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const line = result.stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line !== undefined) return JSON.parse(line) as Probe;
  const reason = /^\w*Err\w*.*$/m.exec(result.stderr)?.[0];
  return { failure: reason ?? 'no server started in a process of its own' };
}

function refusal(probe: Probe, loops: number, driver: string | undefined): string | null {
  if (probe.failure !== undefined) return probe.failure;
  if (driver !== undefined && probe.driver !== driver) {
    return `the driver '${driver}' was asked for, and '${probe.driver}' was taken`;
  }
  return probe.loops === loops ? null : `${loops} loops were asked for, ${probe.loops} started`;
}
