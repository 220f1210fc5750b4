import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, compileC, compiler, compilerVersion } from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';

const BINARY = 'c-epoll-echo';
const SOURCE = fileURLToPath(new URL('echo.c', import.meta.url));

const peer: Peer = {
  name: 'c-epoll',
  title: 'C, epoll',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
    'unix-echo',
    'udp-echo',
    'length-field-echo',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  unavailable() {
    if (process.platform !== 'linux') return 'epoll is Linux';
    return compiler() === null ? 'no C compiler' : null;
  },
  build() {
    compileC(BINARY, [SOURCE]);
  },
  versions: () => ({ compiler: compilerVersion() }),
  server: (work, endpoint) => ({
    program: join(BUILD_FOLDER, BINARY),
    args: [
      work === 'length-field-echo' ? 'frames' : endpoint.protocol,
      endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
    ],
  }),
};

export default peer;
