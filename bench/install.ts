/**
 * `npm run bench:install [-- NAME,...]`: fetches and builds the peers that come from another
 * package manager, each with its own. Says what it skips and why; fails when a build fails.
 */

import { hasHeader, hasTool } from './harness/command.ts';
import { type Installation, loadPeers, type Peer } from './harness/peer.ts';

/** Programs that come from Debian: they are named here, installed by who owns the machine. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  cc: 'gcc libc6-dev',
  taskset: 'util-linux',
  wrk: 'wrk',
  'redis-server': 'redis-server',
  'redis-benchmark': 'redis-tools',
  haproxy: 'haproxy',
  go: 'golang',
  cargo: 'cargo',
  java: 'default-jre-headless',
  mvn: 'maven default-jdk-headless',
};

type Installable = Peer & { readonly installation: Installation };

function installable(peers: readonly Peer[]): Installable[] {
  const products = new Set<string>();
  return peers.flatMap((peer) => {
    const { installation } = peer;
    if (installation === undefined || products.has(installation.product)) return [];
    products.add(installation.product);
    return [{ ...peer, installation }];
  });
}

/** True unless the build failed. */
function install({ name, installation }: Installable): boolean {
  if (!hasTool(installation.tool)) {
    console.log(`skipping ${name}: ${installation.tool} is missing`);
    return true;
  }
  console.log(`installing ${name} with ${installation.tool} ...`);
  try {
    installation.run();
    return true;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

const names = process.argv[2]?.split(',');
const peers = await loadPeers();
const unknown = names?.find((name) => !peers.some((peer) => peer.name === name));
if (unknown !== undefined) {
  console.error(`'${unknown}' is unknown, known are ${peers.map((peer) => peer.name).join(', ')}`);
  process.exit(2);
}
const chosen = peers.filter(({ name }) => names?.includes(name) ?? true);
for (const peer of installable(chosen)) if (!install(peer)) process.exitCode = 1;

const uringHint = 'for c-io-uring, on Debian: apt-get install liburing-dev';
if (!hasHeader('liburing.h')) console.log(`not here: liburing.h; ${uringHint}`);
const missing = Object.entries(DEBIAN_PACKAGES).filter(([program]) => !hasTool(program));
if (missing.length > 0) {
  const packages = missing.map(([, name]) => name).join(' ');
  console.log(`not here: ${missing.map(([program]) => program).join(', ')}`);
  console.log(`on Debian: apt-get install ${packages}`);
}
