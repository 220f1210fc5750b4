import { npmPeer } from '../../harness/npm-peer.ts';

export default npmPeer({
  name: 'deno',
  title: 'Deno.listen, Deno.listenDatagram, Deno.serve',
  works: [
    'tcp-echo',
    'tcp-echo-paced',
    'unix-echo',
    'udp-echo',
    'http-plaintext',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  program: '@deno/*/deno',
  args: ['run', '--quiet', '--allow-all', '--unstable-net'],
});
