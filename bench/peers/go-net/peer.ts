import { goPeer } from '../../harness/go-peer.ts';

export default goPeer({
  name: 'go-net',
  title: 'Go, net and net/http',
  works: [
    'tcp-echo',
    'unix-echo',
    'udp-echo',
    'http-plaintext',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  args: (work, endpoint) => [
    work === 'http-plaintext' ? 'http' : endpoint.protocol,
    endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
  ],
});
