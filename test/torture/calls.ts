/**
 * Every call that the native drivers make fails with every errno it may give: at the start of a
 * server, in the middle of its life and at its end, once and for good. For `call-process.ts` only.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientOptions, Options } from 'gnet';
import * as faults from '../../testing/failing-calls.ts';
import { descriptors } from '../support/open-descriptors.ts';
import { allCells, type Cell, phases } from './call-cells.ts';
import { mayBeNoticed, mayEndTheServer, mustRest } from './call-errnos.ts';
import { codeOf, Life, type Peer } from './call-life.ts';

const { setCallFault } = faults;

/** A lasting fault is over after that long: what rests meanwhile must come back. */
const lastingMs = 40;
/** Calls that may fail in that time where a loop must rest: it does so a few times for each peer. */
const failuresMax = 200;
/** A lasting fault goes on that much longer where the call has not been made. */
const unmadeMs = 500;
/** Longer than any rest, also on a busy machine. */
const patienceMs = 20_000;

export class CallLab {
  readonly #options: Options & ClientOptions;
  /** Of the server; the client has one of its own, in the same thread if there is only one. */
  readonly #loops: number;
  readonly #path = join(tmpdir(), `gnet-calls-${process.pid}.sock`);
  readonly #uncaught: unknown[] = [];
  readonly #note = (error: unknown): void => void this.#uncaught.push(error);

  constructor(driver: NonNullable<Options['driver']>, loops: number) {
    this.#loops = loops;
    this.#options = {
      driver,
      logLevel: 'silent',
      closeTimeout: 500,
      // So that queues fill.
      socketSendBuffer: 32_768,
    };
    process.on('uncaughtException', this.#note);
  }

  close(): void {
    process.off('uncaughtException', this.#note);
  }

  /** The cells whose call is made at all in their phase. */
  async cells(): Promise<readonly Cell[]> {
    const found: Cell[] = [];
    for (const phase of phases) {
      const { wrong } = await this.run({ call: 'none', errno: 'EIO', phase, lasting: false });
      if (wrong !== '') throw new Error(`with nothing failing, at the ${phase}: ${wrong}`);
      for (const cell of allCells(this.#options.driver as string)) {
        const count = faults.timesMade(cell.call);
        if (cell.phase !== phase || count === 0) continue;
        // Not the very first where there are more: states come with what was before.
        found.push({ ...cell, skip: cell.lasting ? 0 : Math.min(2, Math.floor(count / 2)) });
      }
    }
    return found;
  }

  /** What is wrong with it, or ''; and whether anything failed at all. */
  async run(cell: Cell): Promise<{ wrong: string; failed: number }> {
    this.#uncaught.length = 0;
    const before = descriptors();
    let wrong = '';
    try {
      wrong = await this.#phase(cell);
    } catch (error) {
      wrong = `it threw ${codeOf(error)} ${(error as Error).stack}`;
    }
    const failed = faults.timesFailed();
    setCallFault(null);
    if (wrong === '' && this.#uncaught.length > 0)
      wrong = `uncaught: ${this.#uncaught.map(String)}`;
    if (wrong === '') wrong = await this.#leaks(before);
    return { wrong, failed };
  }

  async #leaks(before: string): Promise<string> {
    const end = performance.now() + patienceMs;
    while (descriptors() !== before && performance.now() < end) await sleep(2);
    const after = descriptors();
    return after === before ? '' : `descriptors: ${before} before, ${after} after`;
  }

  #phase(cell: Cell): Promise<string> {
    if (cell.phase === 'start') return this.#atStart(cell);
    return cell.phase === 'middle' ? this.#inTheMiddle(cell) : this.#atTheEnd(cell);
  }

  async #quietLife(when: string, life?: Life): Promise<string> {
    const own = life ?? (await Life.begin(this.#options, this.#path, this.#loops));
    try {
      const peers = own.run();
      await settled(peers, patienceMs);
      const unwell = peers.filter(({ fate }) => fate !== 'fine');
      for (const { stop } of unwell) stop();
      if (life === undefined) await own.end();
      const list = unwell.map(({ name, fate }) => `${name} ${fate ?? 'hangs'}`);
      return list.length === 0 ? '' : `${when} the fault: ${list.join(', ')}`;
    } finally {
      if (life === undefined) await own.close();
    }
  }

  async #atStart(cell: Cell): Promise<string> {
    setCallFault(faultOf(cell));
    let life: Life | null = null;
    let refused: unknown;
    try {
      life = await Life.begin(this.#options, this.#path, this.#loops);
    } catch (error) {
      refused = error;
    }
    setCallFault(null);
    if (life !== null) {
      try {
        return await this.#quietLife('after', life);
      } finally {
        await life.close();
      }
    }
    const code = codeOf(refused);
    if (code !== cell.errno && code !== 'ErrUnsupportedPlatform') return `refused with ${code}`;
    return await this.#quietLife('after');
  }

  async #inTheMiddle(cell: Cell): Promise<string> {
    const life = await Life.begin(this.#options, this.#path, this.#loops);
    let died: unknown;
    const dead = Promise.race([life.server.closed, life.client.closed]).catch((error: unknown) => {
      died = error;
    });
    const lived = (peers: readonly Peer[], ms: number) =>
      Promise.race([settled(peers, ms), dead.then(() => sleep(lastingMs))]);
    try {
      setCallFault(faultOf(cell));
      const peers = life.run();
      await lived(peers, cell.lasting ? lastingMs : patienceMs);
      if (cell.lasting) await hasFailed();
      setCallFault(null);
      await lived(peers, patienceMs);
      for (const { stop } of peers) stop();
      if (died !== undefined) {
        if (!mayEndTheServer(cell.call, cell.errno)) return `the server ended: ${codeOf(died)}`;
        return '';
      }
      const inVain = faults.timesFailed();
      if (mustRest(cell.call, cell.errno) && inVain > failuresMax * this.#loops) {
        return `the call was made ${inVain} times in vain`;
      }
      const wrong = judge(cell, peers, life.codes);
      if (wrong !== '') return wrong;
      const after = await this.#quietLife('after', life);
      await life.end();
      return after;
    } finally {
      setCallFault(null);
      await life.close();
    }
  }

  async #atTheEnd(cell: Cell): Promise<string> {
    const life = await Life.begin(this.#options, this.#path, this.#loops);
    let died = false;
    for (const { closed } of [life.server, life.client]) {
      closed.catch(() => {
        died = true;
      });
    }
    try {
      const quiet = await this.#quietLife('before', life);
      if (quiet !== '') return quiet;
      const peers = life.run();
      setCallFault(faultOf(cell));
      const ended = life.end().then(
        () => true,
        () => true,
      );
      await within(ended, cell.lasting ? lastingMs : patienceMs);
      setCallFault(null);
      const isOver = await within(ended, patienceMs);
      for (const { stop } of peers) stop();
      if (!isOver) return 'it does not stop';
      if (died && !mayEndTheServer(cell.call, cell.errno)) return 'the server died in its stop';
      return peers.some(({ fate }) => fate === 'wrong') ? 'bytes are wrong' : '';
    } finally {
      setCallFault(null);
      await life.close();
    }
  }
}

/** On a busy machine the call may not even have been made by then. */
async function hasFailed(): Promise<void> {
  const end = performance.now() + unmadeMs;
  while (faults.timesFailed() === 0 && performance.now() < end) await sleep(2);
}

function faultOf({ call, errno, lasting, skip = 0 }: Cell): faults.CallFault {
  return lasting ? { call, errno } : { call, errno, skip, times: 1 };
}

/** What it resolves with, or undefined when that takes longer. */
async function within<Value>(promise: Promise<Value>, ms: number): Promise<Value | undefined> {
  const limit = new AbortController();
  const passed = sleep(ms, undefined, { signal: limit.signal }).catch(() => undefined);
  const value = await Promise.race([promise, passed]);
  limit.abort();
  return value;
}

async function settled(peers: readonly Peer[], ms: number): Promise<void> {
  await within(Promise.all(peers.map(({ over }) => over)), ms);
}

/** What the peers saw of a fault in the middle. */
function judge(cell: Cell, peers: readonly Peer[], codes: readonly string[]): string {
  const unwell = peers.filter(({ fate }) => fate !== 'fine');
  const list = unwell.map(({ name, fate }) => `${name} ${fate ?? 'hangs'}`).join(', ');
  if (unwell.some(({ fate }) => fate !== 'ended')) return list;
  const strange = codes.filter(
    (code) => code !== '-' && code !== 'ECONNRESET' && code !== cell.errno,
  );
  if (strange.length > 0) return `closed with ${strange.join(', ')} (${list})`;
  if (unwell.length === 0) return '';
  if (!mayBeNoticed(cell.call, cell.errno)) return `noticed: ${list} (${codes.join(' ')})`;
  return !cell.lasting && unwell.length > 1 ? `several were hit: ${list}` : '';
}
