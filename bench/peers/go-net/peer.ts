import { goPeer, speaks } from '../../harness/go-peer.ts';
import { isSecure, TLS_CERT, TLS_KEY } from '../../harness/tls-files.ts';

export default goPeer({
  name: 'go-net',
  title: 'Go, net and net/http',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
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
    'tls-plaintext',
    'tls-idle-memory',
  ],
  args: (work, endpoint) => [
    kindOf(work, endpoint.protocol),
    endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
    ...(isSecure(work) ? [TLS_CERT, TLS_KEY] : []),
  ],
});

function kindOf(work: string, protocol: string): string {
  if (!isSecure(work)) return speaks(work) === 'http' ? 'http' : protocol;
  return speaks(work) === 'http' ? 'https' : 'tls';
}
