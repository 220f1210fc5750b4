/** Disturbs the time of servers as the table of `time-cases.ts` says. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from 'gnet/testing';
import type { DriverName } from '../../src/driver/contract.ts';
import { nodeFlags } from '../support/program.ts';
import { type Disturbance, disturbances, idleMs, stopMs } from './time-cases.ts';
import { TimeClients } from './time-clients.ts';
import type { TimeCounts } from './time-handler.ts';
import { runTicks, runTimers } from './time-timers.ts';

export interface TimeRun {
  cases: number;
  readonly wrong: string[];
  readonly lines: string[];
}

type Report = TimeCounts & { readonly now: number; readonly cpuMs: number };

const file = fileURLToPath(new URL('time-process.ts', import.meta.url));
const clientsOfOurs = 6;
const patienceMs = 20_000;
/** If this process was held up for longer, its clients were silent themselves: once more. */
const holdUpMax = idleMs / 2;
const attemptsMax = 5;
/** A step of the clock is seen to the second at least. */
const clockSlackMs = 10_000;

/** It changes the clocks of a process, where it is installed. */
const [fakeClock = ''] = globSync('/usr/lib/**/faketime/libfaketimeMT.so.1');

/** A server in a process of its own. */
class Server {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #folder = mkdtempSync(join(tmpdir(), 'gnet-time-'));
  readonly #clockFile = join(this.#folder, 'clock');
  readonly #timer: NodeJS.Timeout;
  readonly #gone: Promise<never>;
  port = 0;

  private constructor(driver: DriverName, loops: number, kind: Disturbance['kind']) {
    writeFileSync(this.#clockFile, '+0');
    const onlyDate = kind === 'suspended' ? '0' : '1';
    const fake = {
      LD_PRELOAD: fakeClock,
      FAKETIME_TIMESTAMP_FILE: this.#clockFile,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: onlyDate,
      DONT_FAKE_MONOTONIC: onlyDate,
    };
    const isFaked = fakeClock !== '' && (kind === 'clock' || kind === 'suspended');
    this.#child = spawn(process.execPath, [...nodeFlags, file, driver, String(loops)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...(isFaked && fake) },
    });
    this.#child.stdin.on('error', () => {});
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), 3 * patienceMs);
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#gone = once(this.#child, 'exit').then(([code, signal]) => {
      throw new Error(`the process ended with ${code ?? signal}`);
    });
    this.#gone.catch(() => {});
  }

  static async start(
    driver: DriverName,
    loops: number,
    kind: Disturbance['kind'],
  ): Promise<Server> {
    const server = new Server(driver, loops, kind);
    server.port = (await server.#said<{ port: number }>()).port;
    return server;
  }

  async #said<What>(): Promise<What> {
    const [line] = (await Promise.race([once(this.#lines, 'line'), this.#gone])) as [string];
    return JSON.parse(line) as What;
  }

  report(): Promise<Report> {
    this.#child.stdin.write('report\n');
    return this.#said<Report>();
  }

  /** The time of day of this process is so many seconds ahead. */
  setClock(seconds: number): void {
    writeFileSync(this.#clockFile, `${seconds < 0 ? '' : '+'}${seconds}`);
    if (fakeClock === '') this.#child.stdin.write(`clock ${seconds}\n`);
  }

  async stopProcess(ms: number, meanwhile: () => void = () => {}): Promise<void> {
    this.#child.kill('SIGSTOP');
    await sleep(ms);
    meanwhile();
    this.#child.kill('SIGCONT');
  }

  stop(): Promise<{ readonly forced: number } & TimeCounts> {
    this.#child.stdin.end();
    return this.#said();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function disturb(
  server: Server,
  clients: TimeClients,
  what: Disturbance,
  random: Random,
): Promise<string> {
  for (let count = 0; count < what.times; count++) {
    await sleep(random.between(1, 60));
    const ms = random.between(...what.ms);
    const seconds = what.steps?.[count % what.steps.length] ?? 0;
    if (what.kind === 'stopped') await server.stopProcess(ms);
    else if (what.kind === 'blocked') await clients.block(server.port, ms);
    else if (what.kind === 'suspended')
      await server.stopProcess(ms, () => server.setClock(seconds));
    else {
      server.setClock(seconds);
      await sleep(ms);
      const { now } = await server.report();
      if (Math.abs(now - Date.now() - seconds * 1_000) > clockSlackMs) return 'its clock is right';
    }
  }
  return '';
}

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await sleep(5);
  }
  return true;
}

/** Whether some of both have come since. Of the loop of the main thread. */
async function ticksAndTimers(server: Server): Promise<() => Promise<boolean>> {
  const before = await server.report();
  return async () => {
    const { ticks, timers } = await server.report();
    return ticks >= before.ticks + 3 && timers >= before.timers + 3;
  };
}

/** What is wrong afterwards, or ''. */
async function judge(
  server: Server,
  clients: TimeClients,
  what: Disturbance,
  hasOneLoop: boolean,
): Promise<string> {
  if (!(await waitFor(() => clients.silentMs >= 0))) return 'who is silent is not closed';
  if (what.kind !== 'suspended' && clients.silentMs < idleMs) {
    return `who is silent is closed after ${clients.silentMs.toFixed(0)} ms`;
  }
  if (hasOneLoop && !(await waitFor(await ticksAndTimers(server)))) return 'time stands still';
  clients.rest();
  if (!(await waitFor(() => clients.owed === 0 || clients.wrong.length > 0))) {
    return `${clients.owed} bytes do not come back`;
  }
  clients.mayEnd();
  const stopping = server.stop();
  if (what.kind === 'stopped') {
    await sleep(5);
    await server.stopProcess(stopMs + 200);
  }
  const { forced, closed } = await stopping;
  if (forced > 0) return `stop forced ${forced}`;
  const { ErrTimeout: timedOut = 0, '-': quiet = 0, ...others } = closed;
  if (hasOneLoop && (timedOut !== 1 || Object.keys(others).some((code) => code !== 'ECONNRESET'))) {
    return `closed: ${JSON.stringify({ timedOut, quiet, ...others })}`;
  }
  return '';
}

async function runOne(
  driver: DriverName,
  loops: number,
  what: Disturbance,
  seed: number,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const server = await Server.start(driver, loops, what.kind);
    const clients = await TimeClients.open(server.port, clientsOfOurs, seed);
    const began = performance.now();
    try {
      let wrong = await disturb(server, clients, what, new Random(seed));
      if (wrong === '') wrong = await judge(server, clients, what, loops === 1);
      if (wrong === '') wrong = clients.wrong.join(', ');
      if (wrong === '' || clients.longestHoldUp < holdUpMax || attempt === attemptsMax)
        return wrong;
    } catch (error) {
      return `${error} after ${(performance.now() - began).toFixed(0)} ms`;
    } finally {
      clients.close();
      server.close();
    }
  }
}

/** @param which `short` has one of each kind, with one loop. */
export async function runTime(
  driver: DriverName,
  which: 'all' | 'short',
  seed: number,
): Promise<TimeRun> {
  const run: TimeRun = { cases: 0, wrong: [], lines: [] };
  for (const loops of which === 'all' ? [1, 2] : [1]) {
    for (const what of which === 'all' ? disturbances : shortList()) {
      const name = `${what.name}, ${loops} loop(s)`;
      if (what.kind === 'suspended' && !existsSync(fakeClock)) {
        run.lines.push(`${name}: left out, libfaketime is not installed`);
        continue;
      }
      const wrong = await runOne(driver, loops, what, seed);
      run.cases += what.times;
      if (wrong !== '') run.wrong.push(`${name}, GNET_SEED=${seed}: ${wrong}`);
    }
  }
  for (const found of [await runTicks(driver), await runTimers(driver)]) {
    run.cases += found.cases;
    run.wrong.push(...found.wrong);
  }
  return run;
}

function shortList(): readonly Disturbance[] {
  const kinds = new Set(disturbances.map(({ kind }) => kind));
  return [...kinds].map((kind) => {
    const first = disturbances.find((one) => one.kind === kind) as Disturbance;
    return { ...first, times: Math.min(first.times, 6) };
  });
}
