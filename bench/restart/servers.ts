/** Servers that are replaced while clients go on: ours, `node:cluster`, HAProxy. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface RestartedServer {
  /** Where it listens; resolves when it does. */
  readonly port: Promise<number>;
  /** Resolves when the new process serves. */
  restart(): Promise<void>;
  end(): void;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone: it has been replaced.
  }
}

/** A program that says `up PID HOST:PORT` for each process of it that serves. */
class NodeProgram implements RestartedServer {
  readonly port: Promise<number>;
  readonly #child: ChildProcess;
  readonly #restarted: () => number;
  #output = '';

  /** @param signalled which of its processes is told to restart, of those that said `up`. */
  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
    signalled: (pids: readonly number[], first: number) => number,
  ) {
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    this.#child.stdout?.on('data', (piece: Buffer) => {
      this.#output += piece.toString();
    });
    this.#restarted = () => signalled(this.#pids, this.#child.pid ?? 0);
    this.port = this.#up(1);
  }

  get #lines(): string[] {
    return this.#output.match(/^up \d+ .*$/gm) ?? [];
  }

  get #pids(): number[] {
    return this.#lines.map((line) => Number(line.split(' ')[1]));
  }

  async #up(count: number): Promise<number> {
    const output = this.#child.stdout as NodeJS.ReadableStream;
    while (this.#lines.length < count) await once(output, 'data');
    return Number(this.#lines.at(-1)?.split(':').at(-1));
  }

  async restart(): Promise<void> {
    const before = this.#lines.length;
    process.kill(this.#restarted(), 'SIGUSR2');
    await this.#up(before + 1);
  }

  end(): void {
    for (const pid of this.#pids) kill(pid);
    this.#child.kill('SIGKILL');
  }
}

const flags = ['--disable-warning=ExperimentalWarning'];

/** About as long as both processes of a restart are there when both are up. */
const besideMs = 600;

/** The built package, as programs use it. */
export function gnetServer(driver: string): RestartedServer {
  const last = (pids: readonly number[]): number => pids.at(-1) ?? 0;
  return new NodeProgram([...flags, script('gnet-server.ts')], { GNET_DRIVER: driver }, last);
}

/** Nothing is restarted: the same program only starts beside it, which takes the CPU as in a restart. */
export class StartBeside implements RestartedServer {
  readonly port: Promise<number>;
  readonly #serves = gnetServer('epoll');
  #beside: RestartedServer | null = null;

  constructor() {
    this.port = this.#serves.port;
  }

  async restart(): Promise<void> {
    const beside = gnetServer('epoll');
    this.#beside = beside;
    await beside.port;
    // Who is restarted, ends.
    setTimeout(() => this.#endBeside(), besideMs);
  }

  #endBeside(): void {
    this.#beside?.end();
    this.#beside = null;
  }

  end(): void {
    this.#serves.end();
    this.#endBeside();
  }
}

export function clusterServer(): RestartedServer {
  return new NodeProgram([...flags, script('cluster-server.ts')], {}, (_, first) => first);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function untilAccepted(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const opened = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (opened) return;
    await sleep(10);
  }
}

/**
 * HAProxy in front of an echo server. A reload is a second process that gets the listeners from the first
 * (`-x`) and tells it to finish (`-sf`): that one keeps the connections that it has for as long as they last.
 */
export class HaproxyServer implements RestartedServer {
  readonly port: Promise<number>;
  readonly #directory = mkdtempSync(join(tmpdir(), 'gnet-bench-'));
  readonly #echo: ChildProcess;
  readonly #processes: ChildProcess[] = [];
  readonly #config = join(this.#directory, 'haproxy.cfg');
  readonly #socket = join(this.#directory, 'admin.sock');

  constructor() {
    this.#echo = spawn(process.execPath, [script('echo-backend.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.port = this.#start();
  }

  async #start(): Promise<number> {
    const [line] = (await once(this.#echo.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const port = await freePort();
    writeFileSync(
      this.#config,
      `global
    nbthread 1
    stats socket ${this.#socket} mode 600 level admin expose-fd listeners
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen proxy
    bind 127.0.0.1:${port}
    server echo 127.0.0.1:${Number(line.toString())}
`,
    );
    this.#spawn([]);
    await untilAccepted(port);
    return port;
  }

  #spawn(more: readonly string[]): void {
    const args = ['-db', '-f', this.#config, ...more];
    this.#processes.push(spawn('haproxy', args, { stdio: 'ignore' }));
  }

  async restart(): Promise<void> {
    const old = this.#processes.at(-1)?.pid;
    this.#spawn(['-x', this.#socket, '-sf', `${old}`]);
    await untilAccepted(await this.port);
  }

  end(): void {
    for (const child of this.#processes) child.kill('SIGKILL');
    this.#echo.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
