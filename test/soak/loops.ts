import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { LoadBalancing, serve } from 'gnet';
import type { Soak, SoakContext } from './contract.ts';

const plain = new URL('../worker/handlers/scenario.ts?scenario=plain', import.meta.url);

async function openAll(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let opened = 0; opened < count; opened += 100) {
    const batch = Array.from({ length: Math.min(100, count - opened) }, () =>
      connect(port, '127.0.0.1').on('error', () => {}),
    );
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    sockets.push(...batch);
  }
  return sockets;
}

async function runEven({ small, progress, note }: SoakContext): Promise<void> {
  const count = small ? 400 : 8_000;
  for (const name of ['RoundRobin', 'LeastConnections'] as const) {
    const options = { numEventLoop: 4, loadBalancing: LoadBalancing[name] };
    const server = await serve(plain, 'tcp://127.0.0.1:0', options);
    const sockets = await openAll(Number(server.addr.split(':')[1]), count);
    while (server.countConnections() < count) await new Promise((done) => setTimeout(done, 10));
    const counts = server.stats().loops.map(({ connections }) => connections);
    for (const socket of sockets) socket.destroy();
    await server.close();
    if (Math.max(...counts) / Math.min(...counts) > 1.2) throw new Error(`${name}: ${counts}`);
    note(`${name}: ${counts.join(', ')} of ${count} connections`);
    progress(name === 'RoundRobin' ? 0.5 : 1, name);
  }
}

export const evenLoops: Soak = {
  name: 'even-loops',
  title: '8,000 long connections over 4 loops: at most 1.2 times as many in one as in another',
  run: runEven,
};

async function runCycles({ small, note }: SoakContext): Promise<void> {
  const cycles = small ? 3 : 100;
  const script = fileURLToPath(new URL('../worker/programs/cycles.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, String(cycles)]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      output += piece;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  const [, before, after] = /^before (\S+) after (\S+)$/m.exec(output) ?? [];
  if (code !== 0 || before === undefined || before !== after) {
    throw new Error(`exit code ${code}: ${output}`);
  }
  note(`${cycles} cycles; threads and descriptors ${before} -> ${after}, exit code 0 by itself`);
}

export const loopCycles: Soak = {
  name: 'loop-cycles',
  title: '100 starts and stops with 4 loops in one process: no thread and no descriptor is left',
  run: runCycles,
};
