/** Servers written in Go: a folder with a module and one command. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, outputOf } from './command.ts';
import { missingInstallation, runInstallSteps } from './installed.ts';
import type { Installation, Peer } from './peer.ts';
import { loopsOf } from './work.ts';

export interface GoPeerOptions extends Pick<Peer, 'name' | 'title' | 'works'> {
  readonly args: (...parameters: Parameters<Peer['server']>) => readonly string[];
  readonly tags?: string;
  /** The module whose version matters. */
  readonly module?: string;
}

/** The protocol that a server speaks for a work. */
export function speaks(work: string): 'http' | 'echo' {
  return work.startsWith('http-') || work === 'tls-plaintext' ? 'http' : 'echo';
}

export function goPeer({ args, tags, module, ...facts }: GoPeerOptions): Peer {
  const folder = fileURLToPath(new URL(`../peers/${facts.name}/`, import.meta.url));
  const product = join(BUILD_FOLDER, facts.name);
  const installation: Installation = {
    tool: 'go',
    product,
    run() {
      const build = ['build', ...(tags === undefined ? [] : ['-tags', tags]), '-o', product, '.'];
      runInstallSteps([{ program: 'go', args: build, folder }]);
    },
  };
  return {
    ...facts,
    installation,
    unavailable: () => missingInstallation(installation),
    build() {},
    versions() {
      // What the binary was built of, also where the tools are gone or newer.
      const text = outputOf('go', ['version', '-m', product]);
      const versions: Record<string, string> = { go: /: go(\S+)/.exec(text)?.[1] ?? 'unknown' };
      if (module !== undefined) {
        const line = text.split('\n').find((one) => one.includes(`\t${module}\t`));
        versions['gnet'] = line?.split('\t')[3] ?? 'unknown';
      }
      return versions;
    },
    server: (...parameters) => ({
      program: product,
      args: args(...parameters),
      // More processors than the server has cores would only switch between threads.
      env: { GOMAXPROCS: `${loopsOf(parameters[0])}` },
    }),
  };
}
