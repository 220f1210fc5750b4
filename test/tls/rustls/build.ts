/**
 * Builds the peer of rustls that `test/tls/rustls.test.ts` speaks with, in the user's cache folder. It
 * takes a minute or two, and fetches crates: the tests do not do it by themselves.
 *
 *     node test/tls/rustls/build.ts
 */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
const target = join(cache, 'gnet', 'rustls');

export const rustlsPeer: string = join(target, 'debug', 'rustls-peer');

if (import.meta.main) {
  const manifest = fileURLToPath(new URL('Cargo.toml', import.meta.url));
  const args = ['build', '--locked', '--manifest-path', manifest, '--target-dir', target];
  const { status, error } = spawnSync('cargo', args, { stdio: 'inherit' });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}
