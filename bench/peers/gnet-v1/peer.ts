import { goPeer, speaks } from '../../harness/go-peer.ts';
import { loopsOf } from '../../harness/work.ts';

export default goPeer({
  name: 'gnet-v1',
  title: 'gnet v1 for Go',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
    'unix-echo',
    'udp-echo',
    'http-plaintext',
    'connection-rate',
    'idle-memory',
    'start-up',
    'tcp-echo-2-loops',
    'http-2-loops',
  ],
  module: 'github.com/panjf2000/gnet',
  tags: 'poll_opt',
  args: (work, endpoint) => [
    speaks(work),
    endpoint.protocol === 'unix'
      ? `unix://${endpoint.path}`
      : `${endpoint.protocol}://127.0.0.1:${endpoint.port}`,
    `${loopsOf(work)}`,
  ],
});
