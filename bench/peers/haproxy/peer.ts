import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUILD_FOLDER, hasTool, outputOf } from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';
import { isSecure, TLS_BOTH } from '../../harness/tls-files.ts';

/** One thread for one core; payload that is large enough goes from socket to socket. */
function configuration(port: number, upstreamPort: number, secure: boolean): string {
  return `global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    option splice-auto
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen proxy
    bind 127.0.0.1:${port}${secure ? ` ssl crt ${TLS_BOTH}` : ''}
    server echo 127.0.0.1:${upstreamPort}
`;
}

const peer: Peer = {
  name: 'haproxy',
  title: 'HAProxy in TCP mode',
  works: ['tcp-proxy', 'tls-proxy'],
  unavailable: () => (hasTool('haproxy') ? null : 'haproxy is missing (Debian: haproxy)'),
  build() {},
  versions: () => ({
    haproxy: /version (\S+)/.exec(outputOf('haproxy', ['-v']))?.[1] ?? 'unknown',
  }),
  server(work, endpoint, backend) {
    if (endpoint.protocol === 'unix' || backend === undefined || backend.protocol === 'unix') {
      throw new Error('this proxy stands between two ports');
    }
    mkdirSync(BUILD_FOLDER, { recursive: true });
    const path = join(BUILD_FOLDER, `haproxy-${endpoint.port}.cfg`);
    writeFileSync(path, configuration(endpoint.port, backend.port, isSecure(work)));
    return { program: 'haproxy', args: ['-db', '-f', path] };
  },
};

export default peer;
