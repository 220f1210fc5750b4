import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER } from '../../harness/command.ts';
import { missingInstallation, runInstallSteps } from '../../harness/installed.ts';
import type { Installation, Peer } from '../../harness/peer.ts';

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
  title: 'tokio, one thread',
  works: ['tcp-echo', 'unix-echo', 'udp-echo', 'connection-rate', 'idle-memory', 'start-up'],
  installation,
  unavailable: () => missingInstallation(installation),
  build() {},
  versions() {
    const lock = readFileSync(join(FOLDER, 'Cargo.lock'), 'utf8');
    return { tokio: /name = "tokio"\nversion = "([^"]+)"/.exec(lock)?.[1] ?? 'unknown' };
  },
  server: (_work, endpoint) => ({
    program: PRODUCT,
    args: [endpoint.protocol, endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
