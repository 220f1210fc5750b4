/** A MariaDB of its own for one test, where the system has one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { missing } from './outside-client.ts';
import { type TestScope, temporaryDirectory } from './rig.ts';

/** Why there is none, or false: for `skip`. */
export const missingMariadb: string | false =
  missing('mariadbd') && 'needs MariaDB (apt install mariadb-server)';

/** Its port on 127.0.0.1; everybody may do everything. */
export async function startMariadb(t: TestScope): Promise<number> {
  const folder = temporaryDirectory(t);
  const data = join(folder, 'data');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const made = spawnSync(
    'mariadb-install-db',
    ['--no-defaults', `--datadir=${data}`, '--skip-test-db', '--skip-name-resolve', ...user],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(made.stdout + made.stderr);
  const server = spawn(
    'mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      `--socket=${join(folder, 'socket')}`,
      '--bind-address=127.0.0.1',
      '--port=0',
      '--skip-grant-tables',
      ...user,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(server, 'exit');
  t.after(async () => {
    server.kill('SIGTERM');
    await ended;
  });
  let log = '';
  server.stderr.on('data', (piece: Buffer) => {
    log += piece;
  });
  for (;;) {
    const port = /ready for connections[\s\S]*?port: (\d+)/.exec(log)?.[1];
    if (port !== undefined) return Number(port);
    const over = ended.then(() => Promise.reject(new Error(`MariaDB ended: ${log}`)));
    await Promise.race([once(server.stderr, 'data'), over]);
  }
}
