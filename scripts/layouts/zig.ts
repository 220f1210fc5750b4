/**
 * Zig as a C compiler for other systems: the package `ziglang` of PyPI, which brings their headers. It is
 * kept outside of the repository, beside the other programs that the tests run under.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../cached-program.ts';

/** The version that everything was tried with. */
const version = '0.17.0';
const installTimeoutMs = 300_000;

/** Turns C into assembly for one of the targets that Zig knows; what is wrong with it, or undefined. */
export type Compiler = (target: string, source: string, assembly: string) => string | undefined;

/** The compiler, installed if need be, or why it cannot be had here. */
export function findZig(): Compiler | string {
  const folder = join(cacheFolder(), `ziglang-${version}`);
  if (!existsSync(folder)) install(folder);
  const env = { ...process.env, PYTHONPATH: folder };
  const zig = (...args: string[]) =>
    spawnSync('python3', ['-m', 'ziglang', ...args], { encoding: 'utf8', env });
  const { status, stdout } = zig('version');
  if (status !== 0 || stdout.trim() !== version) {
    return `there is no Zig ${version} (pip install ziglang==${version})`;
  }
  return (target, source, assembly) => {
    const flags = ['cc', '-target', target, '-S', '-O0', '-g0', '-w', source, '-o', assembly];
    const result = zig(...flags);
    return result.status === 0 ? undefined : result.stderr;
  };
}

/** Made beside its place and moved there whole: others may look for it meanwhile. */
function install(folder: string): void {
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(dirname(folder), { recursive: true });
  const args = ['-m', 'pip', 'install', '--quiet', '--target', fresh, `ziglang==${version}`];
  const { status } = spawnSync('python3', args, { stdio: 'ignore', timeout: installTimeoutMs });
  try {
    if (status === 0) renameSync(fresh, folder);
  } catch {
    // Somebody else was faster.
  }
  rmSync(fresh, { recursive: true, force: true });
}
