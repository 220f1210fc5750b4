/** What a server lacks for a while: it waits without taking the CPU, and goes on by itself. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DriverName } from '../../src/driver/contract.ts';
import { nodeFlags } from '../support/program.ts';

const file = fileURLToPath(new URL('exhaustion-process.ts', import.meta.url));

/** By driver; the runtime makes the calls of the driver `node`, and small buffers are not for it to set. */
const lacks: Readonly<Record<string, readonly string[]>> = {
  epoll: ['descriptors', 'recvfrom', 'sendto', 'readers', 'ports', 'threads', 'log'],
  io_uring: [
    'descriptors',
    'io_uring:receive',
    'io_uring:send',
    'readers',
    'ports',
    'threads',
    'log',
  ],
  node: ['ports', 'threads', 'log'],
};

/** A shell that makes something scarce, and becomes the process; some in a namespace of its own. */
const shells: Readonly<Record<string, { readonly isolated?: string; readonly script: string }>> = {
  descriptors: { script: 'ulimit -n 64' },
  ports: {
    isolated: '--net',
    script: 'ip link set lo up; echo 20000 20063 >/proc/sys/net/ipv4/ip_local_port_range',
  },
  log: {
    isolated: '--mount',
    script: 'mount -t tmpfs -o size=256k none /mnt; export GNET_LAB_DISK=/mnt',
  },
};

/** Percent of one core. */
const cpuMax = 5;
const clients = 100;
/** With fewer the runtime does not start; with so many two loops do. */
const descriptorsMin = 24;
const descriptorsEnough = 60;
const patienceMs = 40_000;
const lackMs = 2_000;
const shortMs = 200;
/** Of the user that has no threads left: nobody else runs as it. */
const asLonelyUser = ['setpriv', '--reuid', '64321', '--clear-groups'];

export interface ExhaustionRun {
  cases: number;
  readonly wrong: string[];
  readonly lines: string[];
}

function titleOf(lack: string): string {
  const titles: Readonly<Record<string, string>> = {
    descriptors: 'no descriptors',
    ports: 'no local ports',
    threads: 'no threads',
    log: 'no room for the log',
    readers: 'small buffers, and peers that take nothing',
  };
  return titles[lack] ?? `${lack} has no memory`;
}

/** Why this system cannot take it away, or ''. */
function missingFor(lack: string): string {
  const { isolated } = shells[lack] ?? {};
  if (isolated === undefined && lack !== 'threads') return '';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    if (isolated !== undefined) execFileSync('unshare', [isolated, 'true'], { stdio: 'ignore' });
    else execFileSync('setpriv', ['--version'], { stdio: 'ignore' });
    return '';
  } catch (error) {
    return String(error);
  }
}

/** @param only some of what may lack, for a moment, whatever CPU it takes. */
export async function runExhaustion(
  driver: DriverName,
  only?: readonly string[],
): Promise<ExhaustionRun> {
  const run: ExhaustionRun = { cases: 0, wrong: [], lines: [] };
  for (const lack of only ?? lacks[driver] ?? []) {
    const name = titleOf(lack);
    const missing = missingFor(lack);
    if (missing !== '') {
      run.lines.push(`${name}: left out, ${missing}`);
      continue;
    }
    const { cpu, recovers, facts } = await lacking(
      driver,
      lack,
      only === undefined ? lackMs : shortMs,
    );
    run.cases++;
    run.lines.push(`${name}: ${cpu.toFixed(1)} % of the CPU while it waits${facts}`);
    if (only === undefined && !(cpu <= cpuMax))
      run.wrong.push(`${name}: ${cpu.toFixed(1)} % of the CPU`);
    if (!recovers) run.wrong.push(`${name}: it does not go on`);
  }
  if (only === undefined && driver !== 'node') {
    const { cases, wrong, lines } = await starts(driver);
    run.cases += cases;
    run.wrong.push(...wrong);
    run.lines.push(...lines);
  }
  return run;
}

function start(driver: DriverName, lack: string, ms: number, descriptors = 0) {
  const { isolated, script: own = ':' } = shells[lack] ?? {};
  const script = descriptors > 0 ? `ulimit -n ${descriptors}` : own;
  const shell = ['sh', '-c', `${script}; exec "$@"`, 'sh'];
  const user = lack === 'threads' ? asLonelyUser : [];
  const spaces = isolated === undefined ? [] : ['unshare', isolated];
  const words = [
    ...spaces,
    ...shell,
    ...user,
    process.execPath,
    ...nodeFlags,
    // It is counted.
    '--disable-warning=GNET_LOG_FILE',
    file,
    driver,
    lack,
    String(ms),
  ];
  return spawn(words[0] as string, words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
}

interface Said {
  readonly port?: number;
  readonly cpu?: number;
  readonly held?: number;
  readonly refusal?: string;
  readonly wants?: 'threads' | 'no threads';
  readonly done?: boolean;
}

async function lacking(driver: DriverName, lack: string, ms: number) {
  const child = start(driver, lack, ms);
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const seen = { cpu: Number.NaN, recovers: false, facts: '' };
  const sockets: Socket[] = [];
  for await (const line of createInterface(child.stdout)) {
    const said = JSON.parse(line) as Said;
    if (said.port !== undefined) {
      sockets.push(...(await askAll(said.port)));
      child.stdin.write('all have asked\n');
    }
    if (said.held !== undefined) seen.facts = `, after ${said.held} connections`;
    if (said.refusal !== undefined) seen.facts = `, after ${said.refusal}`;
    if (said.cpu !== undefined) seen.cpu = said.cpu;
    if (said.wants !== undefined) {
      limitThreads(child.pid as number, said.wants === 'no threads' ? 1 : 10_000);
      child.stdin.write('they are limited, or not\n');
    } else if (said.cpu !== undefined) {
      if (sockets.length > 0) await answersToAll(sockets);
      child.stdin.end();
    }
    seen.recovers = said.done === true;
  }
  clearTimeout(timer);
  for (const socket of sockets) socket.destroy();
  return seen;
}

/** With each number of descriptors up to one that suffices. */
async function starts(driver: DriverName): Promise<ExhaustionRun> {
  const run: ExhaustionRun = { cases: 0, wrong: [], lines: [] };
  let works = 0;
  for (let count = descriptorsMin; count <= descriptorsEnough; count += 2) {
    const child = start(driver, 'start', 0, count);
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    const said: Said[] = [];
    for await (const line of createInterface(child.stdout)) said.push(JSON.parse(line) as Said);
    clearTimeout(timer);
    run.cases++;
    if (said.at(-1)?.done !== true) run.wrong.push(`a start with ${count} descriptors: no end`);
    if (said[0]?.refusal === 'nothing') works++;
  }
  run.lines.push(`too few descriptors to start: ${run.cases - works} of ${run.cases} refused`);
  return run;
}

function limitThreads(pid: number, count: number): void {
  const [program = '', ...words] = asLonelyUser;
  execFileSync(program, [...words, 'prlimit', '--pid', String(pid), `--nproc=${count}:10000`]);
}

/** All are in the backlog at least, and have asked. */
async function askAll(port: number): Promise<Socket[]> {
  const sockets = Array.from({ length: clients }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.on('data', () => socket.destroy());
    socket.pause();
  }
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  for (const socket of sockets) socket.write('hello');
  return sockets;
}

/** Who is answered goes, and makes room for the next. */
async function answersToAll(sockets: readonly Socket[]): Promise<void> {
  const closed = sockets.map((socket) => once(socket, 'close'));
  for (const socket of sockets) socket.resume();
  await Promise.all(closed);
}
