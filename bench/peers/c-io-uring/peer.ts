import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BUILD_FOLDER,
  compileC,
  compiler,
  compilerVersion,
  hasHeader,
  hasTool,
  outputOf,
} from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';

const BINARY = 'c-io-uring-echo';
const SOURCE = fileURLToPath(new URL('echo.c', import.meta.url));
function liburingVersion(): string {
  const [program, ...args] = ['pkg-config', '--modversion', 'liburing'] as const;
  return hasTool(program) ? outputOf(program, args).trim() : 'unknown';
}

const peer: Peer = {
  name: 'c-io-uring',
  title: 'C, io_uring with liburing',
  works: ['tcp-echo', 'tcp-echo-paced', 'unix-echo', 'connection-rate', 'idle-memory', 'start-up'],
  unavailable() {
    if (process.platform !== 'linux') return 'io_uring is Linux';
    if (compiler() === null) return 'no C compiler';
    return hasHeader('liburing.h') ? null : 'liburing.h is missing (Debian: liburing-dev)';
  },
  build() {
    compileC(BINARY, [SOURCE], [SOURCE], ['-luring']);
  },
  versions: () => ({ compiler: compilerVersion(), liburing: liburingVersion() }),
  server: (_work, endpoint) => ({
    program: join(BUILD_FOLDER, BINARY),
    args: [endpoint.protocol, endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
