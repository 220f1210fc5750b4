import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, compileC, compiler, compilerVersion } from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';

const BINARY = 'c-io-uring-echo';
const SOURCE = fileURLToPath(new URL('echo.c', import.meta.url));
const HEADER = '/usr/include/liburing.h';

const peer: Peer = {
  name: 'c-io-uring',
  title: 'C, io_uring',
  works: ['tcp-echo', 'unix-echo', 'connection-rate', 'idle-memory'],
  unavailable() {
    if (process.platform !== 'linux') return 'io_uring is Linux';
    if (!existsSync(HEADER)) return 'no liburing (Debian: liburing-dev)';
    return compiler() === null ? 'no C compiler' : null;
  },
  build() {
    compileC(BINARY, [SOURCE, '-luring'], [SOURCE]);
  },
  versions: () => ({ compiler: compilerVersion() }),
  server: (_work, endpoint) => ({
    program: join(BUILD_FOLDER, BINARY),
    args: [endpoint.protocol, endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port)],
  }),
};

export default peer;
