import { setTimeout as sleep } from 'node:timers/promises';
import { Action, type Conn, type EventHandler, serve } from 'gnet';
import type { ChurnPlan, ChurnResult } from './churn-one-by-one.ts';
import { ClientProcess } from './client-process.ts';
import type { Soak, SoakContext } from './contract.ts';
import { mustBeFlat, settledState } from './process-state.ts';

/**
 * What memory may grow by. A server that forgot 100 bytes of each connection would grow by 8.6 MiB in
 * the 90,000 connections between the two looks. Less cannot be asked for: compiled code, and pages
 * that the garbage collector keeps, make RSS of one and the same run differ by a few MiB.
 */
const allowedBytes = 8 * 1_024 * 1_024;
/** The small form compares within the first thousands, while code is still being compiled. */
const allowedBytesSmall = 32 * 1_024 * 1_024;

class Counting implements EventHandler {
  opened = 0;
  closed = 0;
  /** By code. */
  readonly errors = new Map<string, number>();

  onOpened(): void {
    this.opened++;
  }

  react(frame: Buffer | null) {
    if (frame?.toString() === 'bye') return [frame, Action.Close] as const;
    return frame;
  }

  onClosed(_c: Conn, error?: Error & { code?: string }): void {
    this.closed++;
    if (error === undefined) return;
    const code = error.code ?? error.name;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

/** A reset shows as one of these, depending on whether a read or a write meets it. */
const resetCodes: readonly string[] = ['ECONNRESET', 'EPIPE'];

function checkCounts(handler: Counting, result: ChurnResult, connections: number): void {
  const { opened, closed, errors } = handler;
  if (opened !== connections || closed !== connections) {
    throw new Error(`${connections} connections: ${opened} were opened, ${closed} closed`);
  }
  let resets = 0;
  for (const [code, count] of errors) {
    if (!resetCodes.includes(code)) throw new Error(`${count} connections ended with ${code}`);
    resets += count;
  }
  if (resets > result.resets) {
    throw new Error(`${resets} connections ended with a reset, only ${result.resets} were reset`);
  }
}

async function run({ small, seed, setting, progress, note }: SoakContext): Promise<void> {
  const handler = new Counting();
  const server = await serve(handler, 'tcp://127.0.0.1:0');
  const clients = new ClientProcess('churn-clients.ts');
  const connections = setting('connections', small ? 2_000 : 100_000);
  const rounds = 10;
  const timer = setInterval(
    () => progress(handler.closed / connections, `${handler.closed} connections`),
    500,
  );
  try {
    const plan: ChurnPlan = { address: server.addr, connections: connections / rounds, seed };
    let result: ChurnResult = { resets: 0 };
    const inOrder = async (round: number): Promise<void> => {
      const { resets } = await clients.call<ChurnResult>({ ...plan, seed: seed + round });
      result = { resets: result.resets + resets };
      while (server.countConnections() > 0) await sleep(10);
    };
    await inOrder(0);
    const before = await settledState();
    for (let round = 1; round < rounds; round++) await inOrder(round);
    const after = await settledState();
    checkCounts(handler, result, connections);
    const facts = mustBeFlat(before, after, small ? allowedBytesSmall : allowedBytes);
    note(`${connections} connections, ${result.resets} of them reset; ${facts}`);
  } finally {
    clearInterval(timer);
    await clients.end();
    await server.close();
  }
}

export const churn: Soak = {
  name: 'churn',
  title: '100,000 connections opened and closed one after another',
  run,
};
