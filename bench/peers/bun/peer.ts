import { npmPeer } from '../../harness/npm-peer.ts';

export default npmPeer({
  name: 'bun',
  title: 'Bun.listen, Bun.udpSocket, Bun.serve',
  works: [
    'tcp-echo',
    'unix-echo',
    'udp-echo',
    'http-plaintext',
    'connection-rate',
    'idle-memory',
    'start-up',
  ],
  program: '@oven/bun-*/bin/bun',
  args: ['run'],
});
