/** The kinds of work that are compared, each with its protocol, its load and its matrix. */

import { echoLoad } from './echo-load.ts';
import { type FetchLoadOptions, fetchLoad } from './fetch-load.ts';
import { holdLoad, tlsHoldLoad } from './hold-load.ts';
import type { Case, Load } from './load.ts';
import type { Kind } from './metrics.ts';
import type { Endpoint } from './peer.ts';
import { RESP_COMMANDS, redisLoad } from './redis-load.ts';
import { tlsLoad } from './tls-load.ts';
import { websocketFanoutLoad, websocketHoldLoad } from './websocket-load.ts';
import { wrkLoad } from './wrk-load.ts';

export interface Work {
  readonly name: string;
  readonly title: string;
  /** What its figures are. */
  readonly kind: Kind;
  readonly protocol: Endpoint['protocol'];
  readonly load: Load;
  /** The matrix that is measured when the command line does not narrow it; [0] is not a size. */
  readonly sizes: readonly number[];
  readonly connections: readonly number[];
  readonly pipelines: readonly number[];
  readonly commands?: readonly string[];
  /** The server is a proxy: behind it stands the echo server in C, on the load's core. */
  readonly proxied?: boolean;
  /** Cores of the server, 1 unless it says more; then the load shares them. */
  readonly serverCores?: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** 100 MB in pieces of 64 KiB. */
const LARGE_BODY_PIECES = 1_526;
const LARGE_BODY = LARGE_BODY_PIECES * 64 * KIB;
/** What any of the servers does with a tenth of a core, so that each sleeps between messages. */
const PACED_RATE = 16_000;

const ECHOES: readonly Work[] = [
  {
    name: 'tcp-echo',
    title: 'TCP echo',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad(),
    sizes: [64, KIB, 64 * KIB, MIB],
    connections: [1, 100, 1000],
    pipelines: [1],
  },
  {
    name: 'tcp-echo-paced',
    title: `TCP echo of ${PACED_RATE.toLocaleString('en-US')} messages a second, a tenth of the full load`,
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad({ rate: PACED_RATE }),
    sizes: [64],
    connections: [100],
    pipelines: [1],
  },
  {
    name: 'unix-echo',
    title: 'Unix socket echo',
    kind: 'requests',
    protocol: 'unix',
    load: echoLoad(),
    sizes: [64, KIB, 64 * KIB],
    connections: [1, 50],
    pipelines: [1],
  },
  {
    name: 'udp-echo',
    title: 'UDP echo',
    kind: 'requests',
    protocol: 'udp',
    load: echoLoad(),
    sizes: [64, 1400],
    connections: [16],
    pipelines: [1, 8],
  },
  {
    name: 'udp-burst',
    title: 'UDP bursts to one peer',
    kind: 'requests',
    protocol: 'udp',
    load: echoLoad({ copies: true }),
    sizes: [1_200],
    connections: [16],
    pipelines: [32],
  },
  {
    name: 'length-field-echo',
    title: 'Echo of frames with a length field',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad({ lengthField: true }),
    sizes: [64, KIB],
    connections: [100],
    pipelines: [1, 16],
  },
  {
    name: 'tcp-proxy',
    title: 'TCP proxy before an echo server',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad(),
    sizes: [64, 16 * KIB, MIB],
    connections: [100],
    pipelines: [1],
    proxied: true,
  },
  {
    name: 'tcp-echo-2-loops',
    title: 'TCP echo on two cores',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad(),
    sizes: [64],
    connections: [100],
    pipelines: [1],
    serverCores: 2,
  },
];

const PROTOCOLS: readonly Work[] = [
  {
    name: 'http-plaintext',
    title: 'HTTP plaintext',
    kind: 'requests',
    protocol: 'tcp',
    load: wrkLoad(),
    sizes: [0],
    connections: [64],
    pipelines: [1, 16],
  },
  {
    name: 'http-2-loops',
    title: 'HTTP plaintext on two cores',
    kind: 'requests',
    protocol: 'tcp',
    load: wrkLoad(),
    sizes: [0],
    connections: [64],
    pipelines: [1, 16],
    serverCores: 2,
  },
  {
    name: 'resp',
    title: 'Redis protocol',
    kind: 'requests',
    protocol: 'tcp',
    load: redisLoad(),
    sizes: [0],
    connections: [50],
    pipelines: [1, 16],
    commands: RESP_COMMANDS,
  },
];

function fetchWork(name: string, title: string, load: FetchLoadOptions): Work {
  return {
    name,
    title,
    kind: 'requests',
    protocol: 'tcp',
    load: fetchLoad(load),
    sizes: [0],
    connections: [64],
    pipelines: [1],
  };
}

/** An app of Hono, whose server is what is compared. */
const FETCHES: readonly Work[] = [
  fetchWork('fetch-hello', 'Hono, a text', {
    path: '/',
    isRight: (text) => text === 'Hello, World!',
  }),
  fetchWork('fetch-json', 'Hono, JSON', {
    path: '/json',
    isRight: (text) => text === '{"message":"Hello, World!"}',
  }),
  fetchWork('fetch-post', 'Hono, 1 KiB comes back', {
    path: '/echo',
    bodyLength: KIB,
    isRight: (text) => text === 'x'.repeat(KIB),
  }),
  fetchWork('fetch-stream', 'Hono, a stream of 1 MiB', {
    path: '/stream',
    isRight: (text) => text === 'x'.repeat(MIB),
  }),
];

/** Packages for node:net, whose socket layer is what is compared. */
const PACKAGES: readonly Work[] = [
  fetchWork('fastify-json', 'fastify, JSON', {
    path: '/',
    isRight: (text) => text === '{"message":"Hello, World!"}',
  }),
  fetchWork('express-json', 'express, JSON', {
    path: '/',
    isRight: (text) => text === '{"message":"Hello, World!"}',
  }),
  {
    ...fetchWork('express-2-loops', 'express, JSON, on two cores', {
      path: '/',
      isRight: (text) => text === '{"message":"Hello, World!"}',
    }),
    serverCores: 2,
  },
  {
    ...fetchWork('http-upload', 'node:http, 64 KiB are sent to it', {
      path: '/upload',
      bodyLength: 64 * KIB,
      isRight: (text) => text === String(64 * KIB),
    }),
    connections: [16],
  },
  {
    ...fetchWork('http-body', 'node:http, a body of 16 MiB', {
      path: '/body',
      isRight: (text) => text.length === 16 * MIB,
    }),
    connections: [4],
  },
  {
    ...fetchWork('http-upload-large', 'node:http, 100 MB are sent to it', {
      path: '/upload',
      bodyLength: LARGE_BODY,
      isRight: (text) => text === String(LARGE_BODY),
    }),
    connections: [1],
  },
  {
    ...fetchWork('http-body-large', 'node:http, a body of 100 MB', {
      path: `/body?pieces=${LARGE_BODY_PIECES}`,
      isRight: (text) => text.length === LARGE_BODY,
    }),
    connections: [1],
  },
  {
    name: 'websocket-package',
    title: 'The package ws, echo',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad({ websocket: true }),
    sizes: [64],
    connections: [64],
    pipelines: [1],
  },
];

const WEBSOCKETS: readonly Work[] = [
  {
    name: 'websocket-echo',
    title: 'WebSockets, echo',
    kind: 'requests',
    protocol: 'tcp',
    load: echoLoad({ websocket: true }),
    sizes: [64],
    connections: [100],
    pipelines: [1],
  },
  {
    name: 'websocket-fanout',
    title: 'WebSockets, a message to everybody; each that comes counts',
    kind: 'requests',
    protocol: 'tcp',
    load: websocketFanoutLoad(),
    sizes: [64],
    connections: [100, 10_000],
    pipelines: [1],
  },
  {
    name: 'websocket-fanout-2-loops',
    title: 'WebSockets on two loops, a message to everybody; each that comes counts',
    kind: 'requests',
    protocol: 'tcp',
    load: websocketFanoutLoad(),
    sizes: [64],
    connections: [1_000],
    pipelines: [1],
    serverCores: 2,
  },
  {
    name: 'websocket-idle-memory',
    title: 'Memory of idle WebSockets',
    kind: 'memory',
    protocol: 'tcp',
    load: websocketHoldLoad(),
    sizes: [64],
    connections: [9_000],
    pipelines: [1],
  },
];

const CONNECTIONS: readonly Work[] = [
  {
    name: 'connection-rate',
    title: 'Connect, one message, close',
    kind: 'connections',
    protocol: 'tcp',
    load: echoLoad({ reconnect: true }),
    sizes: [64],
    connections: [64],
    pipelines: [1],
  },
  {
    name: 'idle-memory',
    title: 'Memory of idle connections',
    kind: 'memory',
    protocol: 'tcp',
    load: holdLoad(),
    sizes: [64],
    connections: [18_000],
    pipelines: [1],
  },
  {
    name: 'start-up',
    title: 'From starting the process to its first echo',
    kind: 'start',
    protocol: 'tcp',
    load: echoLoad(),
    sizes: [64],
    connections: [1],
    pipelines: [1],
  },
];

const SECURED: readonly Work[] = [
  {
    name: 'tls-echo',
    title: 'Echo over TLS',
    kind: 'requests',
    protocol: 'tcp',
    load: tlsLoad(),
    sizes: [64],
    connections: [50, 1000, 4000],
    pipelines: [1],
  },
  {
    name: 'tls-bulk',
    title: 'Echo of large messages over TLS',
    kind: 'requests',
    protocol: 'tcp',
    load: tlsLoad(),
    sizes: [16 * KIB, MIB],
    connections: [16],
    pipelines: [1],
  },
  {
    name: 'tls-handshake',
    title: 'TLS handshake, one message, close',
    kind: 'connections',
    protocol: 'tcp',
    load: tlsLoad({ reconnect: true }),
    sizes: [64],
    connections: [16],
    pipelines: [1],
  },
  {
    name: 'tls-resumed',
    title: 'The same with sessions that are resumed',
    kind: 'connections',
    protocol: 'tcp',
    load: tlsLoad({ reconnect: true, resume: true }),
    sizes: [64],
    connections: [16],
    pipelines: [1],
  },
  {
    name: 'tls-plaintext',
    title: 'HTTPS plaintext',
    kind: 'requests',
    protocol: 'tcp',
    load: wrkLoad(),
    sizes: [0],
    connections: [64],
    pipelines: [1],
  },
  {
    name: 'tls-proxy',
    title: 'Proxy that ends TLS before an echo server',
    kind: 'requests',
    protocol: 'tcp',
    load: tlsLoad(),
    sizes: [64, 16 * KIB],
    connections: [100],
    pipelines: [1],
    proxied: true,
  },
  {
    name: 'tls-idle-memory',
    title: 'Memory of idle connections with TLS',
    kind: 'memory',
    protocol: 'tcp',
    load: tlsHoldLoad(),
    sizes: [64],
    connections: [4_000],
    pipelines: [1],
  },
];

export const WORKS: readonly Work[] = [
  ...ECHOES,
  ...PROTOCOLS,
  ...FETCHES,
  ...PACKAGES,
  ...WEBSOCKETS,
  ...CONNECTIONS,
  ...SECURED,
];

/** How many loops a server has for a work: one for each of its cores. */
export function loopsOf(name: string): number {
  return WORKS.find((work) => work.name === name)?.serverCores ?? 1;
}

export interface Selection {
  readonly sizes?: readonly number[];
  readonly connections?: readonly number[];
  readonly pipelines?: readonly number[];
  readonly commands?: readonly string[];
  /** Bytes in flight over all connections, above which a case is left out. */
  readonly maxOutstandingBytes: number;
}

/**
 * The cases of a work, smallest first. A case with more bytes in flight than the limit is left
 * out: it would measure how the kernel moves through memory that no cache holds, not the server.
 */
export function casesOf(work: Work, selection: Selection): Case[] {
  const cases: Case[] = [];
  for (const command of commandsOf(work, selection)) {
    for (const size of sizesOf(work, selection)) {
      for (const connections of selection.connections ?? work.connections) {
        for (const pipeline of pipelinesOf(work, selection)) {
          const outstanding = size * connections * pipeline;
          if (outstanding > selection.maxOutstandingBytes) continue;
          cases.push({ size, connections, pipeline, ...(command !== null && { command }) });
        }
      }
    }
  }
  return cases;
}

function commandsOf(work: Work, { commands }: Selection): readonly (string | null)[] {
  if (work.commands === undefined) return [null];
  return work.commands.filter((command) => commands?.includes(command) ?? true);
}

function sizesOf(work: Work, { sizes }: Selection): readonly number[] {
  return work.sizes.includes(0) ? work.sizes : (sizes ?? work.sizes);
}

/** One message at a time where a connection has no more, whatever was asked for. */
function pipelinesOf(work: Work, { pipelines }: Selection): readonly number[] {
  return work.kind === 'requests' ? (pipelines ?? work.pipelines) : work.pipelines;
}
