/** A program of several processes after each other, as a test sees it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Program, runProgram } from '../support/program.ts';
import { type TestScope, temporaryDirectory } from '../support/rig.ts';
import type { ServerConfig } from './programs/server.ts';

/** Processes start while others keep the machine busy. */
const limitMs = 60_000;
/** What one look counts at most: a process that was stopped has not waited. */
const beatMaxMs = 20;

/** @throws with `what` when the condition never holds. */
async function waitUntil(condition: () => boolean, what: () => string): Promise<void> {
  let waitedMs = 0;
  while (!condition()) {
    if (waitedMs > limitMs) throw new Error(`waited in vain: ${what()}`);
    const beganAt = performance.now();
    await sleep(5);
    waitedMs += Math.min(beatMaxMs, performance.now() - beganAt);
  }
}

const program = 'test/restart/programs/server.ts';

/** Who has ended and waits for whoever adopted it to take note has ended. proc(5) */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] !== 'Z';
  } catch {
    return false;
  }
}

/** What one process has compiled the others find there: else that is most of what a test does. */
const compiled = mkdtempSync(join(tmpdir(), 'gnet-compiled-'));
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }));

export class RestartRig {
  readonly program: Program;
  readonly directory: string;
  readonly #configFile: string;
  #config: ServerConfig;
  #seen = 0;

  private constructor(t: TestScope, config: ServerConfig, environment: NodeJS.ProcessEnv) {
    this.directory = temporaryDirectory(t);
    this.#configFile = join(this.directory, 'config.json');
    this.#config = config;
    this.next({});
    // Before the kit's own end, which waits for whoever has the output open.
    this.program = runProgram(
      { after: (end) => t.after(() => this.#end(end)) },
      program,
      [this.#configFile],
      { env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...environment } },
    );
  }

  static async start(
    t: TestScope,
    config: ServerConfig,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<RestartRig> {
    const rig = new RestartRig(t, config, environment);
    await rig.up();
    return rig;
  }

  #end(end: () => unknown): unknown {
    for (const pid of this.pids) {
      if (!isAlive(pid)) continue;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    return end();
  }

  /** What the next process is like. */
  next(change: Partial<ServerConfig>): void {
    this.#config = { ...this.#config, ...change };
    writeFileSync(this.#configFile, JSON.stringify(this.#config));
  }

  /** Every process that has served so far, in their order. */
  get pids(): number[] {
    const found = [...this.program.output.matchAll(/^up (\d+) 0 /gm)];
    return found.map((match) => Number(match[1]));
  }

  get pid(): number {
    return this.pids.at(-1) ?? -1;
  }

  /** The addresses of a server of the process that serves now. */
  addresses(server = 0): string[] {
    const found = [...this.program.output.matchAll(/^up (\d+) (\d+) (.*)$/gm)];
    const own = found.findLast((match) => Number(match[2]) === server);
    return own?.[3]?.split(' ') ?? [];
  }

  /** Waits for another process that serves. */
  async up(): Promise<number> {
    const servers = this.#config.servers.length;
    this.#seen++;
    const last = new RegExp(`^up \\d+ ${servers - 1} `, 'gm');
    await waitUntil(
      () => (this.program.output.match(last)?.length ?? 0) >= this.#seen,
      () => `process ${this.#seen} serves: ${this.program.output}`,
    );
    return this.pid;
  }

  /** Restarts, and waits for the new process to serve. Returns the old one. */
  async restart(): Promise<number> {
    const old = this.pid;
    process.kill(old, 'SIGUSR2');
    await this.up();
    await this.line(new RegExp(`^log ${old} info restarted`, 'm'));
    return old;
  }

  async line(pattern: RegExp): Promise<readonly string[]> {
    await waitUntil(
      () => pattern.test(this.program.output),
      () => `${pattern} in ${this.program.output}`,
    );
    return pattern.exec(this.program.output)?.slice(1) ?? [];
  }

  async gone(pid: number): Promise<void> {
    await waitUntil(
      () => !isAlive(pid),
      () => `process ${pid} ends: ${this.program.output}`,
    );
  }
}
