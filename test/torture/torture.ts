/**
 * The fault laboratory: what peers, programs and kernels do wrong, tried in every order.
 *
 *     npm run torture                              every part, on every driver, once
 *     npm run torture -- --only peers --rounds 20  one part, so many times
 *     npm run torture -- --driver io_uring         on one driver
 *     npm run torture -- --only calls --loops 2    of servers with so many loops; --cases 'at the start':
 *                                              those whose names have these words
 *     npm run torture -- --only fuzz --seconds 600 so long for each target, or --inputs 1000000;
 *                                              --targets http,resp: some of them
 */
import { parseArgs } from 'node:util';
import type { DriverName } from '../../src/driver/contract.ts';
import { refusalOf } from '../support/driver.ts';
import { seedOfRun } from '../../src/driver/simulated/index.ts';
import { runFuzz } from '../fuzz/fuzz-runner.ts';
import { driverWalks, everyOrder } from '../model/model-runner.ts';
import { runBadLinks, wholeAmount } from './bad-links.ts';
import { runCalls } from './call-runner.ts';
import { runExhaustion } from './exhaustion.ts';
import { runPeers } from './peers.ts';
import { runPrograms } from './programs.ts';
import { runTime } from './time.ts';

interface Part {
  readonly name: string;
  readonly title: string;
  /** It needs no driver: it runs once, with the simulated one. */
  readonly alone?: boolean;
  /** One round on a driver: how many cases there were, and what was wrong with them. */
  run(driver: DriverName): Promise<{ cases: number; wrong: string[] }>;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    driver: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    inputs: { type: 'string' },
    targets: { type: 'string' },
    bytes: { type: 'string' },
    loops: { type: 'string', default: '1' },
    cases: { type: 'string' },
  },
});

const parts: readonly Part[] = [
  {
    name: 'calls',
    title: 'system calls that fail, with every errno',
    run: (driver) => runCalls(driver, 'all', Number(values.loops), values.cases),
  },
  { name: 'programs', title: 'programs that misbehave, in every event', run: runPrograms },
  {
    name: 'model',
    title: 'the life of a connection, every order of five events',
    alone: true,
    run: () => everyOrder(5),
  },
  {
    name: 'model',
    title: 'the life of a connection, long random walks',
    run: (driver) => driverWalks(driver, seedOfRun(), 75, 30),
  },
  {
    name: 'exhaustion',
    title: 'no descriptors, memory, ports, threads or room, for two seconds',
    run: async (driver) => {
      const { lines, ...found } = await runExhaustion(driver);
      for (const line of lines) console.log(`  ${line}`);
      return found;
    },
  },
  {
    name: 'links',
    title: '200 MB each over links that lose, delay, repeat and change packets',
    run: async (driver) => {
      const bytes = Number(values.bytes ?? wholeAmount.bytes);
      const { lines, ...found } = await runBadLinks(driver, { ...wholeAmount, bytes }, seedOfRun());
      for (const line of lines) console.log(`  ${line}`);
      return found;
    },
  },
  {
    name: 'time',
    title: 'time that is lost, or another one',
    run: async (driver) => {
      const { lines, ...found } = await runTime(driver, 'all', seedOfRun());
      for (const line of lines) console.log(`  ${line}`);
      return found;
    },
  },
  {
    name: 'fuzz',
    title: 'input that is changed at random, guided by coverage',
    alone: true,
    run: async () => {
      const plan = {
        seed: seedOfRun(),
        inputs: Number(values.inputs ?? Number.POSITIVE_INFINITY),
        seconds: Number(
          values.seconds ?? (values.inputs === undefined ? 20 : Number.POSITIVE_INFINITY),
        ),
        targets: values.targets,
        saves: true,
      };
      const { lines, ...found } = await runFuzz(plan);
      for (const line of lines) console.log(`  ${line}`);
      return found;
    },
  },
  { name: 'peers', title: 'peers that misbehave, in every order', run: runPeers },
];

const drivers = (values.driver ?? 'epoll,io_uring,node').split(',') as DriverName[];
const chosen = parts.filter(({ name }) => (values.only ?? name).split(',').includes(name));
if (chosen.length === 0) throw new Error(`--only ${values.only}: there is no such part`);
for (const { name, title, alone, run } of chosen) {
  for (const driver of alone === true ? (['simulated'] as const) : drivers) {
    const refusal = driver !== 'simulated' && (await refusalOf(driver));
    if (refusal !== false) {
      console.log(`${name}, ${driver}: left out, ${refusal}`);
      continue;
    }
    const began = performance.now();
    let cases = 0;
    const wrong: string[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const found = await run(driver);
      cases += found.cases;
      wrong.push(...found.wrong);
    }
    for (const what of wrong) console.log(`  WRONG ${what}`);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    console.log(`${title}: ${driver}, ${cases} cases, ${wrong.length} wrong, ${seconds} s`);
    if (wrong.length > 0) process.exitCode = 1;
  }
}
