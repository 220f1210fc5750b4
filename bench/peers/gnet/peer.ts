import { gnetPeer } from '../../harness/gnet-peer.ts';
import type { Peer } from '../../harness/peer.ts';

/** Enough to see what a driver is good for. */
const DRIVER_WORKS = [
  'tcp-echo',
  'tcp-echo-paced',
  'unix-echo',
  'udp-echo',
  'http-plaintext',
  'websocket-echo',
  'websocket-fanout',
  'connection-rate',
  'idle-memory',
  'start-up',
];

function withDriver(name: string, driver: string): Peer {
  return gnetPeer({ name, title: `gnet for TypeScript, ${driver}`, driver, works: DRIVER_WORKS });
}

/** For one connection that waits for each answer. */
function withBusyPoll(name: string, driver: string): Peer {
  const title = `gnet for TypeScript, ${driver}, busyPoll 50`;
  const flags = ['--busy-poll', '50'];
  return gnetPeer({ name, title, driver, flags, works: ['tcp-echo'] });
}

/** Beside what those runtimes have themselves. */
function underRuntime(runtime: 'bun' | 'deno'): Peer {
  const title = `gnet for TypeScript under ${runtime === 'bun' ? 'Bun' : 'Deno'}`;
  return gnetPeer({ name: `gnet-${runtime}`, title, runtime, works: ['tcp-echo'] });
}

const peers: readonly Peer[] = [
  gnetPeer({ name: 'gnet', title: 'gnet for TypeScript' }),
  gnetPeer({
    name: 'gnet-plain',
    title: 'gnet for TypeScript without a codec',
    works: ['length-field-echo'],
    examples: { 'length-field-echo': 'echo-tcp.ts' },
  }),
  gnetPeer({
    name: 'gnet-no-offload',
    title: 'gnet for TypeScript without segmentation',
    works: ['udp-burst'],
    flags: ['--plain'],
  }),
  gnetPeer({
    name: 'gnet-1-loop',
    title: 'gnet for TypeScript, one loop only',
    works: ['websocket-fanout-2-loops'],
    flags: ['--loops', '1'],
  }),
  withDriver('gnet-epoll', 'epoll'),
  withDriver('gnet-io-uring', 'io_uring'),
  withDriver('gnet-node', 'node'),
  withBusyPoll('gnet-epoll-busy', 'epoll'),
  withBusyPoll('gnet-io-uring-busy', 'io_uring'),
  underRuntime('bun'),
  underRuntime('deno'),
];

export default peers;
