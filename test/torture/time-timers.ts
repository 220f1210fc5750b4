/** Delays of `tick` and of timers, from 0 to 2^53. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conn, type EventHandler, GnetError, type Options, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import type { DriverName } from '../../src/driver/contract.ts';
import { tickDelays, timerDelays } from './time-cases.ts';

interface Found {
  readonly cases: number;
  readonly wrong: string[];
}

const patienceMs = 20_000;
const defaultMs = 1_000;
/** Turns of the loop in `watchMs` without work: more is a loop that does not rest. */
const waitsMax = 100;
const watchMs = 300;

function textOf(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  return typeof value === 'bigint' ? `${value}n` : String(value);
}

async function until(condition: () => boolean): Promise<boolean> {
  const end = performance.now() + patienceMs;
  while (!condition() && performance.now() < end) await sleep(10);
  return condition();
}

class Ticking implements EventHandler {
  readonly #delay: unknown;
  readonly at: number[] = [];

  constructor(delay: unknown) {
    this.#delay = delay;
  }
  react(frame: Buffer | null) {
    return frame;
  }
  tick(): number {
    this.at.push(performance.now());
    return this.#delay as number;
  }
}

type Driver = DriverName;

async function runTick(
  driver: Driver,
  [delay, pace]: (typeof tickDelays)[number],
): Promise<string> {
  const handler = new Ticking(delay);
  const options: Options = { driver: driver as 'auto', ticker: true, logLevel: 'silent' };
  const server = await serve(handler, 'tcp://127.0.0.1:0', options);
  try {
    const { at } = handler;
    if (!(await until(() => at.length >= 1))) return 'no tick';
    if (pace === 'often' && !(await until(() => at.length >= 5))) return `${at.length} ticks`;
    if (pace === 'second') {
      if (!(await until(() => at.length >= 2))) return 'no second tick';
      const gap = (at[1] as number) - (at[0] as number);
      if (gap < defaultMs - 1) return `the second tick comes after ${gap.toFixed(0)} ms`;
    }
    if (pace === 'never') {
      const before = server.stats().loops[0]?.waits ?? 0;
      await sleep(watchMs);
      const waits = (server.stats().loops[0]?.waits ?? 0) - before;
      if (at.length > 1) return `${at.length} ticks`;
      if (waits > waitsMax) return `${waits} turns of a loop that has nothing to do`;
    }
    const client = await RawClient.connect(server.addr);
    client.write('hello');
    await client.readExactly(5);
    client.destroy();
  } finally {
    await server.close();
  }
  const after = handler.at.length;
  await sleep(5);
  return handler.at.length === after ? '' : 'a tick after the end';
}

export async function runTicks(driver: Driver): Promise<Found> {
  const wrong: string[] = [];
  const run = async (one: (typeof tickDelays)[number]): Promise<void> => {
    const what = await runTick(driver, one);
    if (what !== '') wrong.push(`tick returns ${textOf(one[0])}: ${what}`);
  };
  // Those that never tick again must find their thread quiet.
  await Promise.all(tickDelays.filter(([, pace]) => pace !== 'never').map(run));
  await Promise.all(tickDelays.filter(([, pace]) => pace === 'never').map(run));
  return { cases: tickDelays.length, wrong };
}

const codeOf = (error: unknown): string =>
  error instanceof GnetError ? error.code : String(error);

/** Sets all of them from `onOpened`, and asks in the end what came of each. */
export async function runTimers(driver: Driver): Promise<Found> {
  const outcomes = new Map<string, string>();
  const set = (name: string, ms: unknown, setTimer: (ms: number, fn: () => void) => unknown) => {
    const key = `${name} ${textOf(ms)}`;
    try {
      outcomes.set(key, 'waits');
      setTimer(ms as number, () => outcomes.set(key, 'fires'));
    } catch (error) {
      outcomes.set(key, codeOf(error));
    }
  };
  let closed = '';
  const handler: EventHandler = {
    onOpened(c: Conn) {
      for (const [ms] of timerDelays) {
        set('setTimer', ms, (delay, fn) => c.setTimer(delay, fn));
        set('schedule', ms, (delay, fn) => c.loop.schedule(delay, fn));
      }
    },
    onClosed(_c, error) {
      if (error !== undefined) closed = codeOf(error);
    },
    react: (frame) => frame,
  };
  const server = await serve(handler, 'tcp://127.0.0.1:0', {
    driver: driver as 'auto',
    logLevel: 'silent',
  });
  const wrong: string[] = [];
  try {
    const client = await RawClient.connect(server.addr);
    client.write('hello');
    await client.readExactly(5);
    const firing = ['setTimer 5', 'schedule 5'];
    await until(() => firing.every((key) => outcomes.get(key) === 'fires'));
    await sleep(watchMs);
    for (const [ms, due] of timerDelays) {
      for (const name of ['setTimer', 'schedule']) {
        const outcome = outcomes.get(`${name} ${textOf(ms)}`);
        if (outcome !== due) wrong.push(`${name}(${textOf(ms)}): ${outcome}, not ${due}`);
      }
    }
    if (closed !== '') wrong.push(`the connection is closed with ${closed}`);
    client.destroy();
  } finally {
    await server.close();
  }
  return { cases: 2 * timerDelays.length, wrong };
}
