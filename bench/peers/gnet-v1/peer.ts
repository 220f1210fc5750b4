import { goPeer } from '../../harness/go-peer.ts';

export default goPeer({
  name: 'gnet-v1',
  title: 'gnet v1 for Go',
  works: [
    'tcp-echo',
    'unix-echo',
    'udp-echo',
    'http-plaintext',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  module: 'github.com/panjf2000/gnet',
  tags: 'poll_opt',
  args: (work, endpoint) => [
    work === 'http-plaintext' ? 'http' : 'echo',
    endpoint.protocol === 'unix'
      ? `unix://${endpoint.path}`
      : `${endpoint.protocol}://127.0.0.1:${endpoint.port}`,
  ],
});
