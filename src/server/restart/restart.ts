/** The process before a restart: starts the one after it, and leaves its listeners to it. */
import { isMainThread } from 'node:worker_threads';
import {
  ErrRestartFailed,
  ErrRestartInProgress,
  ErrServerInShutdown,
  ErrUnsupportedOp,
} from '../../base/errors.ts';
import { nextTurn } from '../../base/next-turn.ts';
import type { StopResult } from '../../connection/server-view.ts';
import type { NativeCalls } from '../../driver/backend.ts';
import type { GivenSocket } from '../../driver/contract.ts';
import { copiesToSpawn } from '../../host/runtime-features.ts';
import { exitHook } from '../exit-hook.ts';
import { leavePidFiles, pidFilePaths } from '../pid-file.ts';
import { threadThatServes } from '../servers-elsewhere.ts';
import { tellRestart } from '../server-channels.ts';
import { inheritedSockets } from './inherited-sockets.ts';
import { parentEnvironment, tellParent } from './below-parent.ts';
import { Successor } from './successor.ts';
import { programCommand } from './program-command.ts';
import {
  channelDescriptor,
  type Inheritance,
  type InheritedAddress,
  type InheritedKeys,
  inheritanceVariable,
} from './protocol.ts';
import { continues, type Restartable, restartable } from './restartable.ts';
import type { ServiceManager } from './service-manager.ts';
import type { RestartSettings } from './settings.ts';
import { type ProcessPlan, rehearseStart } from './start-process.ts';

/** From "accept" to "accepting" there is nothing to load and nothing to wait for. */
const switchMs = 10_000;
/** Who has that much to do starts the new process all the same: what was rehearsed so far must do. */
const rehearsalMs = 500;

let isUnderWay = false;

/**
 * Before the server listens, and before each restart: what a start does is compiled, and looked up, by
 * then.
 */
export function prepareRestarts(native: NativeCalls | undefined): void {
  if (native !== undefined && copiesToSpawn()) rehearseStart(native);
}

/** What the servers were handed over to, and how each of them ended. */
export interface HandedOver {
  readonly pid: number;
  readonly drained: ReadonlyMap<Restartable, Promise<StopResult>>;
}

/**
 * Starts this program again, leaves every listener of this process to it, and stops.
 * @throws ErrRestartFailed, ErrRestartInProgress, ErrUnsupportedOp, with everything as it was.
 */
export async function restartProgram(settings: RestartSettings): Promise<HandedOver> {
  if (!isMainThread) {
    throw new ErrUnsupportedOp('cannot restart from a worker thread: call it on the main thread');
  }
  const other = threadThatServes();
  if (other !== undefined) {
    throw new ErrUnsupportedOp(
      `cannot restart: thread ${other} of this program has a server, whose listeners cannot go to ` +
        'another process; stop that server before, or serve on the main thread',
    );
  }
  if (isUnderWay || (inheritedSockets !== null && !inheritedSockets.isAlone)) {
    throw new ErrRestartInProgress(
      'cannot restart: another restart is under way; wait until it has succeeded or failed',
    );
  }
  isUnderWay = true;
  try {
    const servers = [...restartable].filter((one) => !one.isStopping);
    return await tellRestart(servers.length, () => new Restart(servers, settings).run());
  } finally {
    isUnderWay = false;
  }
}

/** Cannot be taken back: the servers of this process are ending. */
class Restart {
  readonly #servers: readonly Restartable[];
  readonly #settings: RestartSettings;
  #stopped!: (error: Error) => void;
  readonly #stop: Promise<never>;
  #fresh: Successor | null = null;
  #isStopped = false;

  constructor(all: readonly Restartable[], settings: RestartSettings) {
    this.#servers = all;
    this.#settings = settings;
    this.#stop = new Promise((_, reject) => {
      this.#stopped = reject;
    });
    this.#stop.catch(() => {});
  }

  async run(): Promise<HandedOver> {
    const { drainTimeout } = this.#settings;
    let fresh: Successor;
    for (const server of this.#servers) server.onStop = () => this.#cancel();
    try {
      // An address that is half open would be neither handed over nor kept.
      const changes = this.#servers.map((server) => server.settled());
      await this.#unlessStopped(Promise.all(changes));
      fresh = await this.#bringUp();
    } finally {
      for (const server of this.#servers) server.onStop = null;
    }
    leavePidFiles();
    const drained = new Map(this.#servers.map((one) => [one, one.leave(drainTimeout)] as const));
    tellParent(fresh.pid);
    this.#manager?.handedOver(fresh.pid);
    fresh.tell({ type: 'yours' });
    fresh.release();
    return { pid: fresh.pid, drained };
  }

  /**
   * Starts the new process, which accepts in the end. All of this runs for the first time, so that each
   * part takes milliseconds: between them the loop has its turns.
   * @throws with everything as it was.
   */
  async #bringUp(): Promise<Successor> {
    // Not beside the new process, which wants the CPU as well.
    await this.#unlessStopped(this.#rehearse());
    await this.#unlessStopped(nextTurn());
    // The descriptors are those of now.
    if (this.#isStopped) await this.#stop;
    const fresh = this.#start();
    this.#fresh = fresh;
    const killNow = (): void => fresh.killNow();
    exitHook.add(killNow);
    try {
      await this.#unlessStopped(nextTurn());
      fresh.listen();
      this.#manager?.reloading();
      await this.#unlessStopped(fresh.says('listening', this.#settings.readyTimeout));
      await this.#unlessStopped(nextTurn());
      fresh.hasStarted();
      await this.#unlessStopped(nextTurn());
      await this.#unlessStopped(this.#switch(fresh));
      await this.#unlessStopped(nextTurn());
      return fresh;
    } catch (error) {
      await fresh.kill();
      for (const server of this.#servers) server.resumeDatagrams();
      // Who has said that it stops is not ready any more; beside one that was stopped others go on.
      if (continues()) this.#manager?.ready();
      throw error;
    } finally {
      exitHook.remove(killNow);
    }
  }

  /** Plays through what will run for the first time in this process, a small step in each turn. */
  async #rehearse(): Promise<void> {
    // What came with the signal is answered first.
    await nextTurn();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, rehearsalMs).unref();
    });
    await Promise.race([this.#rehearseAll(), late]);
    clearTimeout(timer);
    await nextTurn();
    // The runtime forgets what it has not called for long.
    if (!this.#isStopped) prepareRestarts(this.#native);
    await nextTurn();
    if (!this.#isStopped) this.#plan();
  }

  async #rehearseAll(): Promise<void> {
    for (const server of this.#servers) {
      if (!this.#isStopped && !server.isStopping) await server.rehearse();
    }
  }

  get #native(): NativeCalls | undefined {
    return this.#servers.find((server) => server.native !== undefined)?.native;
  }

  get #manager(): ServiceManager | null {
    return this.#servers.find((server) => server.serviceManager !== null)?.serviceManager ?? null;
  }

  #start(): Successor {
    return new Successor(this.#plan(), this.#native);
  }

  /** With the descriptors of now. */
  #plan(): ProcessPlan {
    const { command, args, cwd } = programCommand();
    const readsErrors = this.#servers.every((server) => server.native !== undefined);
    const descriptors: number[] = readsErrors ? [2] : [];
    const addresses = this.#servers.flatMap((server, at) =>
      inheritedAddresses(server, at, descriptors),
    );
    const inheritance: Inheritance = {
      version: 1,
      pid: process.pid,
      standardError: readsErrors ? channelDescriptor + 1 : -1,
      addresses,
      pidFiles: pidFilePaths(),
    };
    const env = {
      ...process.env,
      ...parentEnvironment,
      [inheritanceVariable]: JSON.stringify(inheritance),
    };
    return { command, args, cwd, env, descriptors, readsErrors };
  }

  /** From here on the new process accepts, too; datagrams it alone. */
  async #switch(fresh: Successor): Promise<void> {
    await this.#pauseDatagrams();
    await nextTurn();
    const ticketKeys = this.#servers.map((server, at): InheritedKeys => {
      const keys = server.ticketKeys.map((key) => Buffer.from(key).toString('base64'));
      return { server: at, keys };
    });
    fresh.tell({ type: 'accept', ticketKeys });
    await fresh.says('accepting', switchMs);
  }

  async #pauseDatagrams(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const why = 'cannot restart: a loop of this process does not answer; is its thread blocked?';
      timer = setTimeout(() => reject(new ErrRestartFailed(why)), switchMs);
    });
    try {
      await Promise.race([Promise.all(this.#servers.map((one) => one.pauseDatagrams())), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #unlessStopped(work: Promise<unknown>): Promise<void> {
    await Promise.race([work, this.#stop]);
  }

  #cancel(): void {
    this.#isStopped = true;
    this.#fresh?.killNow();
    this.#stopped(
      new ErrServerInShutdown('cannot restart: the server was stopped before the new process ran'),
    );
  }
}

/** The addresses of a server, with numbers for its descriptors in the new process. */
function inheritedAddresses(
  server: Restartable,
  at: number,
  descriptors: number[],
): InheritedAddress[] {
  const first = channelDescriptor + 1;
  const renumber = (socket: GivenSocket): GivenSocket => {
    descriptors.push(socket.descriptor);
    return { ...socket, descriptor: first + descriptors.length - 1 };
  };
  return server.handOver().map(({ text, endpoints }) => ({
    text,
    server: at,
    endpoints: endpoints.map((endpoint) => {
      return { ...endpoint, given: (endpoint.given ?? []).map(renumber) };
    }),
  }));
}
