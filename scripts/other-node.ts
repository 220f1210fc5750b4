/**
 * Older versions of Node, to run the tests under as well. They are kept outside of the repository, in
 * GNET_NODE_CACHE or the user's cache folder, and are the packages `node` of npm.
 *
 *     node scripts/other-node.ts 22 24     installs what is missing and prints where it is
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The versions that the node driver is meant for. */
export const olderMajors: readonly number[] = [22, 24];

const installTimeoutMs = 300_000;

function cacheFolder(): string {
  const given = process.env['GNET_NODE_CACHE'] ?? '';
  if (given !== '') return given;
  // Some tests run it as another user, who cannot look into the administrator's home.
  const usual = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  const caches = process.env['XDG_CACHE_HOME'] || usual;
  return join(caches, 'gnet', 'node');
}

const program = (folder: string): string => join(folder, 'node_modules', 'node', 'bin', 'node');

/** The program of that version if it is installed already. */
export function installedNode(major: number): string | undefined {
  const path = program(join(cacheFolder(), String(major)));
  return existsSync(path) ? path : undefined;
}

/** The program of that version, installed if need be; undefined when that cannot be done here. */
export function otherNode(major: number): string | undefined {
  return installedNode(major) ?? install(major);
}

function install(major: number): string | undefined {
  const folder = join(cacheFolder(), String(major));
  // Made beside its place and moved there whole: others may look for it meanwhile.
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const manifest = { private: true, allowScripts: { node: true } };
  writeFileSync(join(fresh, 'package.json'), JSON.stringify(manifest));
  const args = ['install', '--prefix', fresh, '--no-audit', '--no-fund', `node@${major}`];
  spawnSync('npm', args, {
    cwd: fresh,
    stdio: 'ignore',
    timeout: installTimeoutMs,
    shell: process.platform === 'win32',
  });
  const runs = spawnSync(program(fresh), ['--version'], { encoding: 'utf8' });
  if (runs.status === 0 && runs.stdout.startsWith(`v${major}.`)) {
    try {
      renameSync(fresh, folder);
    } catch {
      // Somebody else was faster.
    }
  }
  rmSync(fresh, { recursive: true, force: true });
  return installedNode(major);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const major of process.argv.slice(2).map(Number)) {
    console.log(`node ${major}: ${otherNode(major) ?? 'cannot be installed here'}`);
  }
}
