import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  bunProgram,
  bunVersion,
  denoProgram,
  denoVersion,
  missingInstallation,
  packageVersion,
  runInstallSteps,
} from '../../harness/installed.ts';
import type { Installation, Peer } from '../../harness/peer.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const DENO_FLAGS = ['run', '--quiet', '--allow-all', '--node-modules-dir=manual'];
const WORKS = ['fetch-hello', 'fetch-json', 'fetch-post', 'fetch-stream'];
const INSTALL = ['install', '--ignore-scripts', '--no-package-lock'];

const installation: Installation = {
  tool: 'npm',
  product: join(FOLDER, 'node_modules'),
  run: () => runInstallSteps([{ program: 'npm', args: INSTALL, folder: FOLDER }]),
};

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
      hono: packageVersion('hono', FOLDER),
      'hono-node-server': packageVersion('@hono/node-server', FOLDER),
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
      (bunProgram() === null ? 'the peer bun is not installed' : null),
    build() {},
    versions: () => ({ bun: bunVersion(), hono: packageVersion('hono', FOLDER) }),
    server: (_work, endpoint) => ({
      program: bunProgram() as string,
      args: [join(FOLDER, 'bun.js'), portOf(endpoint)],
    }),
  },
  {
    name: 'hono-deno',
    title: 'Hono on Deno.serve',
    works: WORKS,
    unavailable: () =>
      missingInstallation(installation) ??
      (denoProgram() === null ? 'the peer deno is not installed' : null),
    build() {},
    versions: () => ({ deno: denoVersion(), hono: packageVersion('hono', FOLDER) }),
    server: (_work, endpoint) => ({
      program: denoProgram() as string,
      args: [...DENO_FLAGS, join(FOLDER, 'deno.js'), portOf(endpoint)],
    }),
  },
];

export default peers;
