/** How the model is walked: every order on the simulated driver, at random on real ones. */
import type { DriverName } from '../../src/driver/contract.ts';
import { allSettings, type LifeEvent, type LifeSettings } from '../../testing/connection-model.ts';
import { Random } from 'gnet/testing';
import { roughFaults } from '../../src/driver/simulated/simulated-driver.ts';
import { allWalks, randomWalk } from './life-walk.ts';
import { realWalks } from './real-walk.ts';
import { simulatedWalks } from './simulated-walk.ts';

export interface ModelRun {
  cases: number;
  readonly wrong: string[];
}

/** Connections at the same time. */
const simulatedAtOnce = 200;
const realAtOnce = 30;
/** Turns in which everything comes through a line that splits and delays. */
const roughTurns = 60;

function* slices<Item>(items: Iterable<Item>, size: number): Generator<Item[]> {
  let slice: Item[] = [];
  for (const item of items) {
    slice.push(item);
    if (slice.length < size) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

/** Every order of so many events, with all settings. */
export async function everyOrder(depth: number): Promise<ModelRun> {
  const run: ModelRun = { cases: 0, wrong: [] };
  for (const settings of allSettings) {
    for (const walks of slices(allWalks(settings, depth), simulatedAtOnce)) {
      run.cases += walks.length;
      run.wrong.push(...(await simulatedWalks({ settings, walks })));
    }
  }
  return run;
}

/** Walks that once showed that a driver, the simulated one or the model itself was wrong. */
const onceWrong: readonly { settings: LifeSettings; steps: string }[] = [
  {
    settings: { allowHalfOpen: true, overflow: 'pause' },
    steps: 'peerEnd pauseRead peerReset',
  },
  {
    settings: { allowHalfOpen: true, overflow: 'none' },
    steps: 'pauseRead send peerEnd fill peerRead end peerReset resumeRead',
  },
  {
    settings: { allowHalfOpen: true, overflow: 'none' },
    steps: 'send send fill ask peerEnd end settle peerRead',
  },
  { settings: { allowHalfOpen: false, overflow: 'pause' }, steps: 'ask fill close peerRead' },
];

/** Those walks, on the simulated driver and on a real one. */
export async function fixedWalks(driver: DriverName): Promise<ModelRun> {
  const all = onceWrong.map(async ({ settings, steps }) => {
    const walks = [steps.split(' ') as LifeEvent[]];
    const simulated = await simulatedWalks({ settings, walks });
    return [...simulated, ...(await realWalks(optionsOf(driver), settings, walks))];
  });
  return { cases: all.length, wrong: (await Promise.all(all)).flat() };
}

const optionsOf = (driver: DriverName) => ({
  driver: driver as Exclude<DriverName, 'simulated' | 'kqueue'>,
});

function randomWalks(seed: number, count: number, length: number): LifeEvent[][][] {
  const random = new Random(seed);
  return allSettings.map((settings) => {
    return Array.from({ length: count }, () => randomWalk(settings, random, length));
  });
}

/** So many random walks with each setting, over a simulated line that splits and delays. */
export async function roughWalks(seed: number, count: number, length: number): Promise<ModelRun> {
  const run: ModelRun = { cases: 0, wrong: [] };
  for (const [index, walks] of randomWalks(seed, count, length).entries()) {
    const settings = allSettings[index] as (typeof allSettings)[number];
    run.cases += walks.length;
    const rough = { settings, walks, seed, faults: roughFaults, turns: roughTurns };
    run.wrong.push(...withSeed(await simulatedWalks(rough), seed));
  }
  return run;
}

/** The same on a real driver, over real sockets. */
export async function driverWalks(
  driver: DriverName,
  seed: number,
  count: number,
  length: number,
): Promise<ModelRun> {
  const run: ModelRun = { cases: 0, wrong: [] };
  for (const [index, all] of randomWalks(seed, count, length).entries()) {
    const settings = allSettings[index] as (typeof allSettings)[number];
    for (const walks of slices(all, realAtOnce)) {
      run.cases += walks.length;
      run.wrong.push(...withSeed(await realWalks(optionsOf(driver), settings, walks), seed));
    }
  }
  return run;
}

function withSeed(wrong: readonly string[], seed: number): string[] {
  return wrong.map((what) => `${what} (again with GNET_SEED=${seed})`);
}
