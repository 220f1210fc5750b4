import { createServer, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { attach } from 'gnet/stream';
import type { ChurnPlan, ChurnResult } from './churn-one-by-one.ts';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import { mebibytes, mustBeFlat, settledState } from './process-state.ts';

/** node:http alone makes RSS swing by this; what leaks of connections shows in the heap. */
const allowedBytes = 48 * 1_024 * 1_024;
/** 45 bytes for each of the connections between the two looks. */
const allowedHeapBytes = 4 * 1_024 * 1_024;

const large = Buffer.alloc(256 * 1_024, 1);

/** What a server of node:http does with a connection: answer, send much, take a body, give it away. */
function makeServer(): Server {
  const server = createServer((request, response) => {
    // Aborted requests are what this is about.
    request.on('error', () => {});
    response.on('error', () => {});
    if (request.url === '/large') response.end(large);
    else if (request.url === '/echo') request.pipe(response);
    else response.end('hi');
  });
  server.on('upgrade', (_request, socket, head) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    socket.write(head);
    socket.pipe(socket);
  });
  return server;
}

async function run({ small, seed, progress, note }: SoakContext): Promise<void> {
  const server = makeServer();
  let came = 0;
  let gone = 0;
  server.on('connection', (socket) => {
    came++;
    socket.on('close', () => gone++);
  });
  const running = await attach(server, 'tcp://127.0.0.1:0');
  const clients = new ClientProcess('http-churn-clients.ts');
  const connections = small ? 1_000 : 100_000;
  const rounds = 10;
  try {
    let resets = 0;
    const inOrder = async (round: number): Promise<void> => {
      const plan = { address: running.addr, connections: connections / rounds };
      const call: ChurnPlan = { ...plan, seed: seed + round };
      resets += (await clients.call<ChurnResult>(call)).resets;
      while (running.countConnections() > 0) await sleep(10);
      const count = Math.round((connections * (round + 1)) / rounds);
      progress((round + 1) / rounds, `${count} connections`);
    };
    await inOrder(0);
    const before = await settledState();
    const heapBefore = process.memoryUsage().heapUsed;
    for (let round = 1; round < rounds; round++) await inOrder(round);
    const after = await settledState();
    const heapGrown = process.memoryUsage().heapUsed - heapBefore;
    if (came !== connections || gone !== connections) {
      throw new Error(`${connections} connections: ${came} came, ${gone} of them are gone`);
    }
    const facts = mustBeFlat(before, after, allowedBytes);
    const heap = `the heap grew by ${mebibytes(heapGrown)}`;
    if (!small && heapGrown > allowedHeapBytes) throw new Error(`connections are kept: ${heap}`);
    note(`${connections} connections, ${resets} of them aborted; ${heap}; ${facts}`);
  } finally {
    await clients.end();
    await running.close();
  }
}

export const httpChurn: Soak = {
  name: 'http-churn',
  title: '100,000 connections of node:http over gnet, a third of them aborted',
  run,
};
