/** `npm run bench`: measures our servers beside every peer. See docs/benchmarks.md. */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { BUILD_FOLDER } from './harness/command.ts';
import { loadPeers, type Peer } from './harness/peer.ts';
import { choosePinning } from './harness/pinning.ts';
import { Progress } from './harness/progress.ts';
import { RESULTS_FOLDER, readStored, store, type WorkResult } from './harness/results.ts';
import { type Plan, preparePeers, runPlan, stepsOf } from './harness/runner.ts';
import { renderResult } from './harness/table.ts';
import { update } from './harness/update.ts';
import { casesOf, WORKS, type Work } from './harness/work.ts';

/** Names in lines of the help text. */
function wrapped(names: readonly string[]): string {
  const indent = ' '.repeat(22);
  const lines = [indent];
  for (const name of names) {
    const line = lines.at(-1)!;
    if (line.length + name.length > 98) lines.push(`${indent}${name}`);
    else lines[lines.length - 1] = line === indent ? `${indent}${name}` : `${line}, ${name}`;
  }
  return lines.join(',\n');
}

const USAGE = `npm run bench -- [options]

Measures servers beside each other: fresh processes, server and load on different cores,
several rounds in alternating order. Prints a table and stores all values as JSON.

What
  --only LIST         work to measure (tcp-echo), or all; known are
${wrapped(WORKS.map((work) => work.name))}
  --peers LIST        servers to measure (all in bench/peers/); what cannot run is named and skipped
  --sizes LIST        bytes per message, with K or M for KiB and MiB
  --connections LIST  sockets
  --pipeline LIST     messages in flight per socket
  --commands LIST     requests of the Redis protocol: PING, SET, GET, INCR, MSET
  --max-outstanding N leave out cases with more bytes in flight than this (128M)

How
  --rounds N          times that every server is started, and measured in every case (5)
  --per-start N       rounds that the same processes are measured in (1)
  --seconds S         length of a measured window (1)
  --warmup S          load on a fresh server, shared by all cases (3)
  --settle S          load of the same case right before the window (0.3)
  --server-cores LIST cores of the server, as taskset takes them (first)
  --load-cores LIST   cores of the load generator (second)
  --quick             3 rounds of 0.5 s after 1 s and 0.1 s, stored apart in bench/build/quick/

Results
  --out FOLDER        where the JSON goes (bench/results/)
  --update            of what is stored, keep the cases that are not measured now
  --show              print what is stored there and measure nothing
  --help              this text
`;

const OPTIONS = {
  only: { type: 'string', default: 'tcp-echo' },
  peers: { type: 'string' },
  sizes: { type: 'string' },
  connections: { type: 'string' },
  pipeline: { type: 'string' },
  commands: { type: 'string' },
  'max-outstanding': { type: 'string', default: '128M' },
  rounds: { type: 'string' },
  'per-start': { type: 'string', default: '1' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  settle: { type: 'string' },
  'server-cores': { type: 'string' },
  'load-cores': { type: 'string' },
  quick: { type: 'boolean', default: false },
  out: { type: 'string' },
  update: { type: 'boolean', default: false },
  show: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** A mistake on the command line: shown without a stack. */
class UsageError extends Error {}

/** Runs what fails only by a mistake of the caller. */
function refusing<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

type Values = ReturnType<typeof readArguments>;

function readArguments() {
  return refusing(() => parseArgs({ options: OPTIONS }).values);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20 };

function readCount(name: string, text: string): number {
  const match = /^(\d+)([KM]?)$/.exec(text.trim());
  const count = Number(match?.[1]) * UNITS[match?.[2] ?? '']!;
  if (!(count >= 1)) throw new UsageError(`--${name} takes numbers from 1, not '${text}'`);
  return count;
}

function readCounts(name: string, text: string | undefined): number[] | undefined {
  return text?.split(',').map((item) => readCount(name, item));
}

function readSeconds(name: string, text: string, least: number): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= least && seconds <= 3600)) {
    throw new UsageError(`--${name} takes seconds from ${least} to 3600, not '${text}'`);
  }
  return seconds;
}

/** The members of `all` that a comma-separated list names; refuses an unknown name. */
function select<T extends { readonly name: string }>(
  option: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !all.some((item) => item.name === name));
  if (unknown !== undefined) {
    const known = all.map((item) => item.name).join(', ');
    throw new UsageError(`--${option}: '${unknown}' is unknown, known are ${known}`);
  }
  return all.filter((item) => names.includes(item.name));
}

function makePlan(work: Work, peers: readonly Peer[], values: Values): Plan {
  const defaults = values.quick
    ? { rounds: '3', seconds: '0.5', warmup: '1', settle: '0.1' }
    : { rounds: '5', seconds: '1', warmup: '3', settle: '0.3' };
  const sizes = readCounts('sizes', values.sizes);
  const connections = readCounts('connections', values.connections);
  const pipelines = readCounts('pipeline', values.pipeline);
  const commands = values.commands?.split(',').map((name) => name.trim().toUpperCase());
  return {
    work,
    ...preparePeers(work, peers, values.peers !== undefined),
    cases: casesOf(work, {
      ...(sizes && { sizes }),
      ...(connections && { connections }),
      ...(pipelines && { pipelines }),
      ...(commands && { commands }),
      maxOutstandingBytes: readCount('max-outstanding', values['max-outstanding']),
    }),
    settings: {
      rounds: readCount('rounds', values.rounds ?? defaults.rounds),
      ...(values['per-start'] !== '1' && {
        roundsPerStart: readCount('per-start', values['per-start']),
      }),
      seconds: readSeconds('seconds', values.seconds ?? defaults.seconds, 0.01),
      warmupSeconds: readSeconds('warmup', values.warmup ?? defaults.warmup, 0),
      settleSeconds: readSeconds('settle', values.settle ?? defaults.settle, 0),
      pinning: choosePinning(
        {
          ...(values['server-cores'] && { server: values['server-cores'] }),
          ...(values['load-cores'] && { load: values['load-cores'] }),
        },
        work.serverCores,
      ),
    },
  };
}

/** Measures one work; false when there are no figures or some rounds failed. */
async function measureWork(
  plan: Plan,
  folder: string,
  keep: (result: WorkResult, folder: string) => string,
): Promise<boolean> {
  for (const { peer, reason } of plan.skipped) console.log(`skipping ${peer}: ${reason}`);
  const missing = plan.work.load.unavailable();
  if (missing !== null) {
    console.log(`skipping ${plan.work.name}: ${missing}`);
    return true;
  }
  if (stepsOf(plan) === 0) {
    console.log(`nothing to measure for ${plan.work.name}: no server or no case is left`);
    return false;
  }
  const progress = new Progress(process.stdout, stepsOf(plan));
  const result = await runPlan(plan, progress);
  progress.clear();
  const path = keep(result, folder);
  console.log(`\n${renderResult(result)}\nstored in ${path}`);
  return result.cases.every((one) => one.failures.length === 0);
}

function show(folder: string): void {
  for (const result of refusing(() => readStored(folder))) console.log(renderResult(result));
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const works = select('only', values.only === 'all' ? undefined : values.only, WORKS);
  const folder =
    values.out === undefined
      ? values.quick
        ? resolve(BUILD_FOLDER, 'quick')
        : RESULTS_FOLDER
      : resolve(values.out);
  if (values.show) {
    show(folder);
    return;
  }
  const peers = select('peers', values.peers, await loadPeers());
  for (const plan of works.map((work) => makePlan(work, peers, values))) {
    const done = await measureWork(plan, folder, values.update ? update : store);
    if (!done) process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}; see --help`);
  process.exitCode = 2;
});
