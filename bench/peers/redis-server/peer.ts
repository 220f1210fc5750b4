import { hasTool, outputOf } from '../../harness/command.ts';
import type { Peer } from '../../harness/peer.ts';

const peer: Peer = {
  name: 'redis-server',
  title: 'Redis',
  works: ['resp'],
  unavailable: () =>
    hasTool('redis-server') ? null : 'redis-server is missing (Debian: redis-server)',
  build() {},
  versions: () => ({
    redis: /v=(\S+)/.exec(outputOf('redis-server', ['--version']))?.[1] ?? 'unknown',
  }),
  server(_work, endpoint) {
    const port = endpoint.protocol === 'unix' ? '0' : String(endpoint.port);
    // In memory alone, as ours is: no snapshots, no log of commands.
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    return { program: 'redis-server', args };
  },
};

export default peer;
