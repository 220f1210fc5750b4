import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BUILD_FOLDER,
  compileC,
  compiler,
  compilerVersion,
  PROJECT_FOLDER,
} from '../../harness/command.ts';
import { bunProgram, bunVersion, packageVersion } from '../../harness/installed.ts';
import type { Endpoint, Peer } from '../../harness/peer.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const WORKS = ['websocket-echo', 'websocket-fanout', 'websocket-idle-memory'];
const FLOOR = 'c-websockets';

function portOf(endpoint: Endpoint): string {
  return endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port);
}

const peers: readonly Peer[] = [
  {
    name: 'websockets-ws',
    title: 'the package ws',
    works: WORKS,
    unavailable: () => null,
    build() {},
    versions: () => ({ node: process.versions.node, ws: packageVersion('ws', PROJECT_FOLDER) }),
    server: (_work, endpoint) => ({
      program: process.execPath,
      args: [join(FOLDER, 'ws.js'), portOf(endpoint)],
    }),
  },
  {
    name: 'websockets-bun',
    title: 'WebSockets of Bun.serve',
    works: WORKS,
    unavailable: () => (bunProgram() === null ? 'the peer bun is not installed' : null),
    build() {},
    versions: () => ({ bun: bunVersion() }),
    server: (_work, endpoint) => ({
      program: bunProgram() as string,
      args: [join(FOLDER, 'bun.js'), portOf(endpoint)],
    }),
  },
  {
    name: 'websockets-c',
    title: 'C, epoll, for these loads only',
    works: ['websocket-echo', 'websocket-fanout'],
    unavailable() {
      if (process.platform !== 'linux') return 'epoll is Linux';
      return compiler() === null ? 'no C compiler' : null;
    },
    build() {
      compileC(FLOOR, [join(FOLDER, 'floor.c')]);
    },
    versions: () => ({ compiler: compilerVersion() }),
    server: (_work, endpoint) => ({
      program: join(BUILD_FOLDER, FLOOR),
      args: [portOf(endpoint)],
    }),
  },
];

export default peers;
