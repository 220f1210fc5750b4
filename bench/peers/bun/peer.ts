import { npmPeer } from '../../harness/npm-peer.ts';

const PROGRAM = '@oven/bun-*/bin/bun';

const peers = [
  npmPeer({
    name: 'bun',
    title: 'Bun.listen, Bun.udpSocket, Bun.serve',
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
    program: PROGRAM,
    args: ['run'],
  }),
  // The other one answers from a response that was made once, and runs no JavaScript for it.
  npmPeer({
    name: 'bun-fetch',
    title: 'Bun.serve with a handler',
    works: ['http-plaintext', 'tls-plaintext'],
    program: PROGRAM,
    args: ['run'],
    folder: 'bun',
    http: 'http-fetch',
  }),
];

export default peers;
