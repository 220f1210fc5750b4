import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, compileC, compilerVersion, outputOf } from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';
import { TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';
import { opensslMissing } from '../../harness/tls-load.ts';

const BINARY = 'c-openssl-echo';
const SOURCE = fileURLToPath(new URL('echo.c', import.meta.url));

const peer: Peer = {
  name: 'c-openssl',
  title: 'C, epoll and OpenSSL',
  works: ['tls-echo', 'tls-bulk', 'tls-handshake', 'tls-resumed', 'tls-idle-memory'],
  unavailable: () => (process.platform === 'linux' ? opensslMissing() : 'epoll is Linux'),
  build() {
    compileC(BINARY, [SOURCE], [SOURCE], ['-lssl', '-lcrypto']);
  },
  versions: () => ({
    compiler: compilerVersion(),
    openssl: /^OpenSSL (\S+)/.exec(outputOf('openssl', ['version']))?.[1] ?? 'unknown',
  }),
  server(_work, endpoint) {
    if (endpoint.protocol === 'unix') throw new Error('this server listens on a port');
    return { program: join(BUILD_FOLDER, BINARY), args: [`${endpoint.port}`, TLS_CERT, TLS_KEY] };
  },
};

export default peer;
