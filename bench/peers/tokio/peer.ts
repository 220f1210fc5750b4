import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER } from '../../harness/command.ts';
import { missingInstallation, runInstallSteps } from '../../harness/installed.ts';
import type { Installation, Peer } from '../../harness/peer.ts';
import { isSecure, TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const TARGET_FOLDER = join(BUILD_FOLDER, 'tokio');
const PRODUCT = join(TARGET_FOLDER, 'release', 'echo');

const installation: Installation = {
  tool: 'cargo',
  product: PRODUCT,
  run() {
    const env = { CARGO_TARGET_DIR: TARGET_FOLDER };
    runInstallSteps([
      { program: 'cargo', args: ['build', '--release', '--locked'], folder: FOLDER, env },
    ]);
  },
};

const peer: Peer = {
  name: 'tokio',
  title: 'tokio, one thread; rustls',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
    'unix-echo',
    'udp-echo',
    'connection-rate',
    'idle-memory',
    'start-up',
    'tls-echo',
    'tls-bulk',
    'tls-handshake',
    'tls-resumed',
    'tls-idle-memory',
  ],
  installation,
  unavailable: () => missingInstallation(installation),
  build() {},
  versions() {
    const lock = readFileSync(join(FOLDER, 'Cargo.lock'), 'utf8');
    const version = (name: string): string =>
      new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(lock)?.[1] ?? 'unknown';
    return { tokio: version('tokio'), rustls: version('rustls') };
  },
  server: (work, endpoint) => ({
    program: PRODUCT,
    args: [
      isSecure(work) ? 'tls' : endpoint.protocol,
      endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
      ...(isSecure(work) ? [TLS_CERT, TLS_KEY] : []),
    ],
  }),
};

export default peer;
