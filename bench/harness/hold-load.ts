/** Thousands of idle connections: what does every one of them cost the server in memory? */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './command.ts';
import { buildEchoLoad, compilerMissing, ECHO_LOAD } from './echo-load.ts';
import { addressText, type Load, type LoadResult, type LoadRun } from './load.ts';
import { pinned } from './pinning.ts';
import { cpuSecondsOf, filledBytes } from './process-tree.ts';
import { buildTlsLoad, opensslMissing, TLS_LOAD } from './tls-load.ts';

/** Every load process has its own limit of descriptors. */
const CONNECTIONS_PER_PROCESS = 9_000;
/** Opened and closed before, so that what a server makes once does not count as per connection. */
const WARMUP_CONNECTIONS = 500;
/** For what a server does after the last echo, such as collecting garbage. */
const SETTLE_MS = 1_000;
const HELD_TIMEOUT_MS = 60_000;

export function holdLoad(): Load {
  return {
    name: 'echo-load',
    unavailable: compilerMissing,
    build: buildEchoLoad,
    run: (run) => hold(run, compiled(ECHO_LOAD)),
  };
}

/** The same with TLS. */
export function tlsHoldLoad(): Load {
  return {
    name: 'tls-load',
    unavailable: opensslMissing,
    build: buildTlsLoad,
    run: (run) => hold(run, compiled(TLS_LOAD)),
  };
}

/** What opens so many connections, prints a line, and holds them until its input ends. */
export type Holder = (run: LoadRun, connections: number) => Command;

function compiled(program: string): Holder {
  return (run, connections) => {
    const args = ['--address', addressText(run.endpoint), '--connections', `${connections}`];
    return { program, args: [...args, '--size', `${run.case.size}`, '--hold'] };
  };
}

export async function hold(run: LoadRun, holder: Holder): Promise<LoadResult> {
  await release([await open(run, WARMUP_CONNECTIONS, holder)]);
  await delay(SETTLE_MS);
  const before = filledBytes(run.serverPids);
  const cpuBefore = cpuSecondsOf(run.serverPids);
  const startedAt = performance.now();
  const holders: ChildProcess[] = [];
  try {
    for (let left = run.case.connections; left > 0; left -= CONNECTIONS_PER_PROCESS) {
      holders.push(await open(run, Math.min(left, CONNECTIONS_PER_PROCESS), holder));
    }
    const seconds = (performance.now() - startedAt) / 1000;
    await delay(SETTLE_MS);
    const grown = filledBytes(run.serverPids) - before;
    return {
      requests: run.case.connections,
      bytes: 0,
      seconds,
      latencyUs: { p50: null, p99: null, p999: null, max: null },
      lost: 0,
      loadCpuSeconds: 0,
      serverCpuSeconds: cpuSecondsOf(run.serverPids) - cpuBefore,
      bytesPerConnection: Math.max(0, grown) / run.case.connections,
    };
  } finally {
    await release(holders);
  }
}

/** Resolves when all its connections are open and each has had its echo. */
async function open(run: LoadRun, connections: number, holder: Holder): Promise<ChildProcess> {
  const command = pinned(holder(run, connections), run.cores);
  const child = spawn(command.program, command.args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), HELD_TIMEOUT_MS);
  const held = once(child.stdout, 'data').then(() => true);
  const ended = once(child, 'close').then(() => false);
  const isHeld = await Promise.race([held, ended]);
  clearTimeout(timer);
  if (!isHeld) throw new Error(complaint.trim() || 'the connections could not be held');
  return child;
}

async function release(holders: readonly ChildProcess[]): Promise<void> {
  for (const child of holders) {
    const ended = once(child, 'close');
    child.stdin?.end();
    await ended;
  }
}
