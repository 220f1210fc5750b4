import { goPeer } from '../../harness/go-peer.ts';
import { TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

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
    'tls-echo',
    'tls-bulk',
    'tls-handshake',
    'tls-resumed',
  ],
  args: (work, endpoint) => [
    work === 'http-plaintext' ? 'http' : work.startsWith('tls-') ? 'tls' : endpoint.protocol,
    endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
    ...(work.startsWith('tls-') ? [TLS_CERT, TLS_KEY] : []),
  ],
});
