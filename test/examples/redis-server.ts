import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RedisServerProcess {
  /** Of its Unix socket; it listens nowhere else. */
  readonly path: string;
  stop(): Promise<void>;
}

/** The real one, to compare with. */
export async function startRedisServer(...more: readonly string[]): Promise<RedisServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-redis-'));
  const path = join(folder, 'redis.sock');
  const settings = ['--port', '0', '--unixsocket', path, '--save', '', '--dir', folder, ...more];
  const child = spawn('redis-server', settings, { stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  let log = '';
  child.stdout.on('data', (piece: Buffer) => {
    log += piece.toString();
  });
  while (!log.includes('eady to accept connections')) {
    const ended = exit.then(() => Promise.reject(new Error(`it ended: ${log}`)));
    await Promise.race([once(child.stdout, 'data'), ended]);
  }
  return {
    path,
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
