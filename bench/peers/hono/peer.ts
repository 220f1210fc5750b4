import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingInstallation, runInstallSteps } from '../../harness/installed.ts';
import type { Installation, Peer } from '../../harness/peer.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const BUN_MODULES = fileURLToPath(new URL('../bun/node_modules', import.meta.url));
const WORKS = ['fetch-hello', 'fetch-json', 'fetch-post', 'fetch-stream'];
const INSTALL = ['install', '--ignore-scripts', '--no-package-lock'];

const installation: Installation = {
  tool: 'npm',
  product: join(FOLDER, 'node_modules'),
  run: () => runInstallSteps([{ program: 'npm', args: INSTALL, folder: FOLDER }]),
};

function versionOf(name: string): string {
  const path = join(FOLDER, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function bunProgram(): string | null {
  const [path] = globSync('@oven/bun-*/bin/bun', { cwd: BUN_MODULES });
  return path === undefined ? null : join(BUN_MODULES, path);
}

function portOf(endpoint: Parameters<Peer['server']>[1]): string {
  return endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port);
}

const peers: readonly Peer[] = [
  {
    name: 'hono-node-server',
    title: 'Hono on @hono/node-server',
    works: WORKS,
    installation,
    unavailable: () => missingInstallation(installation),
    build() {},
    versions: () => ({
      node: process.versions.node,
      'hono-node-server': versionOf('@hono/node-server'),
    }),
    server: (_work, endpoint) => ({
      program: process.execPath,
      args: [join(FOLDER, 'node.js'), portOf(endpoint)],
    }),
  },
  {
    name: 'hono-bun',
    title: 'Hono on Bun.serve',
    works: WORKS,
    unavailable: () =>
      missingInstallation(installation) ??
      (existsSync(bunProgram() ?? '') ? null : 'the peer bun is not installed'),
    build() {},
    versions: () => ({ hono: versionOf('hono') }),
    server: (_work, endpoint) => ({
      program: bunProgram() as string,
      args: [join(FOLDER, 'bun.js'), portOf(endpoint)],
    }),
  },
];

export default peers;
