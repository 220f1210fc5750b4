/**
 * Programs that come as packages of npm and that the tests run under: other runtimes, and older ones.
 * They are kept outside of the repository, in GNET_NODE_CACHE or the user's cache folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const installTimeoutMs = 300_000;

export interface CachedProgram {
  /** Its folder in the cache. */
  readonly folder: string;
  /** `node@22`, ... */
  readonly spec: string;
  /** Where the program stands in an installed package, under `node_modules`. */
  readonly path: string;
  /** What `--version` prints begins so; null for a program of another system, which cannot be asked. */
  readonly version: RegExp | null;
}

export function cacheFolder(): string {
  const given = process.env['GNET_NODE_CACHE'] ?? '';
  if (given !== '') return given;
  // Some tests run it as another user, who cannot look into the administrator's home.
  const usual = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  const caches = process.env['XDG_CACHE_HOME'] || usual;
  return join(caches, 'gnet', 'node');
}

const programIn = (folder: string, { path }: CachedProgram): string =>
  join(folder, 'node_modules', path);

/** Its file if it is installed already. */
export function installedProgram(wanted: CachedProgram): string | undefined {
  const path = programIn(join(cacheFolder(), wanted.folder), wanted);
  return existsSync(path) ? path : undefined;
}

/** Its file, installed if need be; undefined when that cannot be done here. */
export function cachedProgram(wanted: CachedProgram): string | undefined {
  return installedProgram(wanted) ?? install(wanted);
}

function answers(program: string, version: RegExp): boolean {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 && version.test(stdout);
}

function install(wanted: CachedProgram): string | undefined {
  const folder = join(cacheFolder(), wanted.folder);
  // Made beside its place and moved there whole: others may look for it meanwhile.
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const [name = ''] = wanted.spec.split('@', 1);
  const manifest = { private: true, allowScripts: { [name]: true } };
  writeFileSync(join(fresh, 'package.json'), JSON.stringify(manifest));
  const { version } = wanted;
  const args = ['install', '--prefix', fresh, '--no-audit', '--no-fund', wanted.spec];
  if (version === null) args.push('--force');
  spawnSync('npm', args, {
    cwd: fresh,
    stdio: 'ignore',
    timeout: installTimeoutMs,
    shell: process.platform === 'win32',
  });
  const program = programIn(fresh, wanted);
  if (version === null ? existsSync(program) : answers(program, version)) {
    try {
      mkdirSync(dirname(folder), { recursive: true });
      renameSync(fresh, folder);
    } catch {
      // Somebody else was faster.
    }
  }
  rmSync(fresh, { recursive: true, force: true });
  return installedProgram(wanted);
}
