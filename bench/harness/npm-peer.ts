/** Other runtimes of JavaScript that come as npm packages: a folder with a package.json. */

import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outputOf } from './command.ts';
import { missingInstallation, runInstallSteps } from './installed.ts';
import type { Installation, Peer } from './peer.ts';
import { isSecure, TLS_CERT, TLS_KEY } from './tls-files.ts';

/** Versions are exact in package.json; a lock file would list the programs of this system only. */
const INSTALL = ['install', '--ignore-scripts', '--no-package-lock'];

export interface NpmPeerOptions extends Pick<Peer, 'name' | 'title' | 'works'> {
  /**
   * Where the packages put the program for this platform, as patterns under `node_modules`.
   * It is taken from there: the package's own link to it needs an install script.
   */
  readonly program: string;
  /** Between the program and the file that it runs. */
  readonly args: readonly string[];
  /** Of `bench/peers/`, and the name of the runtime; the name of the peer when left out. */
  readonly folder?: string;
  /** What `server.js` is told for HTTP. */
  readonly http?: string;
}

/** Runs `server.js` of its folder as `server.js tcp|unix|udp|http ADDRESS [CERT KEY]`. */
export function npmPeer(options: NpmPeerOptions): Peer {
  const { program, args, folder: name = options.name, http = 'http', ...facts } = options;
  const folder = fileURLToPath(new URL(`../peers/${name}/`, import.meta.url));
  const installation: Installation = {
    tool: 'npm',
    product: join(folder, 'node_modules'),
    run: () => runInstallSteps([{ program: 'npm', args: INSTALL, folder }]),
  };
  const found = (): string | null => {
    const [path] = globSync(program, { cwd: join(folder, 'node_modules') });
    return path === undefined ? null : join(folder, 'node_modules', path);
  };
  return {
    ...facts,
    installation,
    unavailable() {
      const missing = missingInstallation(installation);
      if (missing !== null) return missing;
      const path = found();
      if (path !== null && existsSync(path)) return null;
      return `the npm package has no program for ${process.platform} on ${process.arch}`;
    },
    build() {},
    versions: () => ({ [name]: /\d+\.\d+\S*/.exec(outputOf(found()!, ['--version']))![0] }),
    server: (work, endpoint) => ({
      program: found()!,
      args: [
        ...args,
        join(folder, 'server.js'),
        work === 'http-plaintext' || work === 'tls-plaintext' ? http : endpoint.protocol,
        endpoint.protocol === 'unix' ? endpoint.path : String(endpoint.port),
        ...(isSecure(work) ? [TLS_CERT, TLS_KEY] : []),
      ],
    }),
  };
}
