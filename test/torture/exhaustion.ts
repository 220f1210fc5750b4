/** What a server lacks for a while: it waits without taking the CPU, and goes on by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DriverName } from '../../src/driver/contract.ts';
import { nodeFlags } from '../support/program.ts';

const file = fileURLToPath(new URL('exhaustion-process.ts', import.meta.url));

/** By driver; the runtime makes the calls of the driver `node`. */
const lacks: Readonly<Record<string, readonly string[]>> = {
  epoll: ['descriptors', 'recvfrom', 'sendto'],
  io_uring: ['descriptors', 'io_uring:receive', 'io_uring:send'],
};

/** Percent of one core. */
const cpuMax = 5;
const descriptorsMax = 64;
const clients = 100;
const patienceMs = 20_000;

export interface ExhaustionRun {
  cases: number;
  readonly wrong: string[];
  readonly lines: string[];
}

export async function runExhaustion(driver: DriverName): Promise<ExhaustionRun> {
  const run: ExhaustionRun = { cases: 0, wrong: [], lines: [] };
  for (const lack of lacks[driver] ?? []) {
    const name = lack === 'descriptors' ? 'no descriptors' : `${lack} has no memory`;
    const { cpu, recovers } = await lacking(driver, lack);
    run.cases++;
    run.lines.push(`${name}: ${cpu.toFixed(1)} % of the CPU while it waits`);
    if (!(cpu <= cpuMax)) run.wrong.push(`${name}: ${cpu.toFixed(1)} % of the CPU`);
    if (!recovers) run.wrong.push(`${name}: it does not go on`);
  }
  return run;
}

async function lacking(
  driver: DriverName,
  lack: string,
): Promise<{ cpu: number; recovers: boolean }> {
  const limit = lack === 'descriptors' ? `ulimit -n ${descriptorsMax}; ` : '';
  const args = ['-c', `${limit}exec "$@"`, 'sh', process.execPath, ...nodeFlags, file];
  const child = spawn('sh', [...args, driver, lack], { stdio: ['pipe', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  let cpu = Number.NaN;
  let recovers = false;
  const sockets: Socket[] = [];
  for await (const line of createInterface(child.stdout)) {
    const said = JSON.parse(line) as { port?: number; cpu?: number; done?: boolean };
    if (said.port !== undefined) {
      sockets.push(...(await askAll(said.port)));
      child.stdin.write('all have asked\n');
    }
    if (said.cpu !== undefined) {
      cpu = said.cpu;
      if (sockets.length > 0) await answersToAll(sockets);
      child.stdin.end();
    }
    recovers = said.done === true;
  }
  clearTimeout(timer);
  for (const socket of sockets) socket.destroy();
  return { cpu, recovers };
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
