import { fileURLToPath } from 'node:url';
import type { Peer } from '../../harness/peer.ts';
import http from '../node-http/peer.ts';
import net from '../node-net/peer.ts';

const SOURCE = fileURLToPath(new URL('cluster.ts', import.meta.url));

const peer: Peer = {
  name: 'node-cluster',
  title: 'node:cluster over node:net and node:http, 2 processes',
  works: ['tcp-echo-2-loops', 'http-2-loops'],
  unavailable: () => null,
  build() {},
  versions: () => ({ node: process.versions.node }),
  server(work, endpoint) {
    const one =
      work === 'http-2-loops'
        ? http.server('http-plaintext', endpoint)
        : net.server('tcp-echo', endpoint);
    return { program: process.execPath, args: [SOURCE, ...one.args] };
  },
};

export default peer;
