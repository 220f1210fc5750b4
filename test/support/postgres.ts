/** A PostgreSQL of its own for one test, where the system has one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type TestScope, temporaryDirectory } from './rig.ts';

const [programs] = globSync('/usr/lib/postgresql/*/bin');

/** Why there is none, or false: for `skip`. */
export const missingPostgres: string | false =
  programs !== undefined && process.getuid?.() === 0
    ? false
    : 'needs PostgreSQL (apt install postgresql) and the rights of root to start it as postgres';

/** Runs as the user of the package: PostgreSQL refuses root. */
const asPostgres = ['--reuid=postgres', '--regid=postgres', '--clear-groups'];

/** Its port on 127.0.0.1; the user is `postgres`, without a password. */
export async function startPostgres(t: TestScope): Promise<number> {
  const folder = temporaryDirectory(t);
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const made = spawnSync('install', ['-d', '-o', 'postgres', '-m', '700', data]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const initialized = spawnSync(
    'setpriv',
    [...asPostgres, join(programs as string, 'initdb'), '-A', 'trust', '--no-sync', '-D', data],
    { encoding: 'utf8' },
  );
  if (initialized.status !== 0) throw new Error(initialized.stderr);
  const port = await freePort();
  const settings = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F'];
  const server = spawn(
    'setpriv',
    [...asPostgres, join(programs as string, 'postgres'), ...settings],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: data },
  );
  const ended = once(server, 'exit');
  t.after(async () => {
    server.kill('SIGINT');
    await ended;
  });
  let log = '';
  server.stderr.on('data', (piece: Buffer) => {
    log += piece;
  });
  while (!log.includes('ready to accept connections')) {
    const over = ended.then(() => Promise.reject(new Error(`PostgreSQL ended: ${log}`)));
    await Promise.race([once(server.stderr, 'data'), over]);
  }
  return port;
}
