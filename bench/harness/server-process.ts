/** A server under test: a fresh process that is started, found ready, looked at and ended. */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, environment, PROJECT_FOLDER } from './command.ts';
import type { Endpoint } from './peer.ts';
import { pinned } from './pinning.ts';

const READY_TIMEOUT_MS = 20_000;
const READY_RETRY_MS = 20;
const STOP_TIMEOUT_MS = 2_000;
const STDERR_KEPT_CHARACTERS = 2_000;

/** Ended together with the benchmark, however that ends. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** An address that is free now, as a server under test listens on it. */
export async function freeEndpoint(protocol: Endpoint['protocol']): Promise<Endpoint> {
  if (protocol === 'unix') {
    // Small letters only: gnet v1 for Go turns an address into them before it binds.
    const folder = join(tmpdir(), `gnet-bench-${randomBytes(8).toString('hex')}`);
    mkdirSync(folder);
    return { protocol, path: join(folder, 'echo.sock') };
  }
  // A port that is free for streams may be taken for datagrams, by somebody who answers, too.
  const probe = protocol === 'udp' ? createSocket('udp4') : createServer();
  if (probe instanceof Server) probe.listen(0, '127.0.0.1');
  else probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  const closed = once(probe, 'close');
  probe.close();
  await closed;
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return { protocol, port: address.port };
}

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly endpoint: Endpoint;
  #stderr = '';
  #failure: string | null = null;

  private constructor(child: ChildProcess, endpoint: Endpoint) {
    this.#child = child;
    this.endpoint = endpoint;
    running.add(child);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT_CHARACTERS);
    });
    child.once('error', (error) => {
      this.#failure = error.message;
    });
    child.once('exit', (code, signal) => {
      this.#failure ??= `ended with ${signal ?? `status ${code}`}`;
    });
  }

  /** Resolves when the server answers at its endpoint; rejects with what it printed. */
  static async start(command: Command, endpoint: Endpoint, cores: string | null) {
    const { program, args } = pinned(command, cores);
    const child = spawn(program, args, {
      cwd: PROJECT_FOLDER,
      env: environment(command),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new ServerProcess(child, endpoint);
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get pid(): number {
    const pid = this.#child.pid;
    if (pid === undefined) throw new Error('the server was not started');
    return pid;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(force);
    }
    running.delete(child);
    if (this.endpoint.protocol === 'unix') {
      rmSync(join(this.endpoint.path, '..'), { recursive: true, force: true });
    }
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (this.#failure === null && Date.now() < deadline) {
      // Somebody else answers where this server found its port taken; its end is told a little later.
      if ((await answers(this.endpoint)) && isAlive(this.#child)) return;
      await delay(READY_RETRY_MS);
    }
    const reason = this.#failure ?? `did not answer within ${READY_TIMEOUT_MS / 1000} s`;
    throw new Error(`the server ${reason}: ${this.#stderr.trim() || 'it printed nothing'}`);
  }
}

/** Also of one that is gone and not yet reaped. */
function isAlive(child: ChildProcess): boolean {
  if (child.pid === undefined || child.exitCode !== null) return false;
  try {
    // `PID (name) STATE …`
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${child.pid}/stat`, 'latin1'));
  } catch {
    return process.platform !== 'linux';
  }
}

async function answers(endpoint: Endpoint): Promise<boolean> {
  if (endpoint.protocol === 'udp') return datagramAnswers(endpoint.port);
  const socket =
    endpoint.protocol === 'unix' ? connect(endpoint.path) : connect(endpoint.port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).then((connected) => {
    socket.destroy();
    return connected === true;
  });
}

async function datagramAnswers(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    return await new Promise((resolve) => {
      setTimeout(() => resolve(false), READY_RETRY_MS);
      socket.once('message', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.send('ready?', port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}
