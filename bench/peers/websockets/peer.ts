import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoint, Peer } from '../../harness/peer.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const BUN_MODULES = fileURLToPath(new URL('../bun/node_modules', import.meta.url));
const WORKS = ['websocket-echo', 'websocket-fanout', 'websocket-idle-memory'];

function bunProgram(): string | null {
  const [path] = globSync('@oven/bun-*/bin/bun', { cwd: BUN_MODULES });
  return path === undefined ? null : join(BUN_MODULES, path);
}

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
    versions: () => ({ node: process.versions.node }),
    server: (_work, endpoint) => ({
      program: process.execPath,
      args: [join(FOLDER, 'ws.js'), portOf(endpoint)],
    }),
  },
  {
    name: 'websockets-bun',
    title: 'WebSockets of Bun.serve',
    works: WORKS,
    unavailable: () => (existsSync(bunProgram() ?? '') ? null : 'the peer bun is not installed'),
    build() {},
    versions: () => ({}),
    server: (_work, endpoint) => ({
      program: bunProgram() as string,
      args: [join(FOLDER, 'bun.js'), portOf(endpoint)],
    }),
  },
];

export default peers;
