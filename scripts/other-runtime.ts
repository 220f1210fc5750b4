/**
 * Bun and Deno, to run programs and tests under as well: the packages of these names on npm.
 *
 *     node scripts/other-runtime.ts bun deno     installs what is missing and prints where it is
 */
import { pathToFileURL } from 'node:url';
import { type CachedProgram, cachedProgram, installedProgram } from './cached-program.ts';

export type RuntimeName = 'bun' | 'deno';

interface OtherRuntime extends CachedProgram {
  /** What runs a file of this repository: the sources, without a build. */
  readonly runs: readonly string[];
}

/** The versions are those that everything was tried with. */
const runtimes: Readonly<Record<RuntimeName, OtherRuntime>> = {
  bun: {
    folder: 'bun',
    spec: 'bun@1.4',
    // The package calls it so on every system.
    path: 'bun/bin/bun.exe',
    version: /^1\.4\./,
    runs: ['--conditions=gnet-source'],
  },
  deno: {
    folder: 'deno',
    spec: 'deno@2.9',
    path: process.platform === 'win32' ? 'deno/deno.exe' : 'deno/deno',
    version: /^deno 2\.9\./,
    runs: ['run', '--allow-all', '--conditions=gnet-source'],
  },
};

export const runtimeNames: readonly RuntimeName[] = ['bun', 'deno'];

/** Arguments in front of a file, so that it runs on the sources with every right. */
export const flagsOf = (name: RuntimeName): readonly string[] => runtimes[name].runs;

/** The program of that runtime if it is installed already. */
export function installedRuntime(name: RuntimeName): string | undefined {
  return installedProgram(runtimes[name]);
}

/** The program of that runtime, installed if need be; undefined when that cannot be done here. */
export function otherRuntime(name: RuntimeName): string | undefined {
  return cachedProgram(runtimes[name]);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const name of process.argv.slice(2) as RuntimeName[]) {
    console.log(`${name}: ${otherRuntime(name) ?? 'cannot be installed here'}`);
  }
}
