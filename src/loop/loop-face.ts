import type { Socket } from 'node:net';
import { ErrInvalidOption, ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import { runtimeNet } from '../base/ip-address.ts';
import {
  type LoopClock,
  type LoopWithClock,
  type LoopWithWork,
  loopClock,
  workBegins,
} from '../base/loop-work.ts';
import { checkNames, int32Max, wholeNumber } from '../base/option-checks.ts';
import { textOf } from '../base/thrown.ts';
import { watch } from '../base/settled.ts';
import type { Conn, LoopView, RegisterOptions } from '../connection/conn.ts';
import { ownHandlerEvents } from '../connection/handler-events.ts';
import { replayBytes } from '../connection/replay-bytes.ts';
import { DeadlineLinks } from '../connection/deadline-links.ts';
import type { ScheduledDeadline } from '../connection/owner.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import { ownAlready } from '../driver/adoption.ts';
import type { AdoptedSocket } from '../driver/contract.ts';
import { checkTakeOver } from '../host/runtime-socket.ts';
import { dialFrom, type FacedLoop } from './dial-hook.ts';

const milliseconds = wholeNumber(1, int32Max, 'milliseconds');
const registerNames: Record<keyof RegisterOptions, true> = {
  handler: true,
  context: true,
  timeout: true,
  signal: true,
};
const registerOptionNames = Object.keys(registerNames);

class LoopTimer extends DeadlineLinks implements ScheduledDeadline {
  readonly deadlinePassed: () => void;

  constructor(deadlinePassed: () => void) {
    super();
    this.deadlinePassed = deadlinePassed;
  }
}

/** A loop as the program sees it. */
export class LoopFace implements LoopView, LoopWithWork, LoopWithClock {
  readonly isHere = true;
  readonly shared: unknown;
  readonly #loop: FacedLoop;
  readonly #timers = new Set<LoopTimer>();
  /** Gives up what is being dialled. */
  readonly #dials = new Set<(reason: Error) => void>();
  #stopped = false;
  #over = false;

  constructor(loop: FacedLoop, shared: unknown) {
    this.#loop = loop;
    this.shared = shared;
  }

  get index(): number {
    return this.#loop.index;
  }

  execute(fn: () => unknown): void {
    const checked = checkFunction('execute', fn);
    if (this.#over) throw loopIsOver('execute');
    this.#loop.scheduleTasks({ runTasks: () => this.#call('execute', checked) });
  }

  schedule(one: number | (() => unknown), other: number | (() => unknown)): () => void {
    const [ms, fn] = typeof one === 'function' ? [other, one] : [one, other];
    const checked = checkFunction('schedule', fn);
    const delay = milliseconds('a timer', ms);
    if (this.#over) throw loopIsOver('schedule');
    const timer = new LoopTimer(() => {
      this.#timers.delete(timer);
      this.#call('schedule', checked);
    });
    this.#timers.add(timer);
    this.#loop.scheduleDeadline(timer, delay);
    return () => {
      if (this.#timers.delete(timer)) this.#loop.cancelDeadline(timer);
    };
  }

  async register(target: string | number | Socket, options: RegisterOptions = {}): Promise<Conn> {
    if (this.#stopped) throw loopIsOver('register a connection');
    checkNames('register', options, registerOptionNames);
    if (typeof target === 'string') return dialFrom(this.#loop, this.#dials, target, options);
    // What is wrong is said before the socket is ours.
    if (options.handler !== undefined) ownHandlerEvents(options.handler as never);
    options.signal?.throwIfAborted();
    if (typeof target === 'object' && target instanceof runtimeNet().Socket) {
      return this.#takeOver(target, options);
    }
    if (!Number.isSafeInteger(target) || target < 0) {
      throw new ErrInvalidOption(
        `cannot register ${textOf(target)}: give an address, the number of a descriptor, or a net.Socket`,
      );
    }
    return this.#adopt(target, options);
  }

  #takeOver(socket: Socket, options: RegisterOptions): Conn {
    const { driver, settings } = this.#loop;
    if (driver.adoptSocket === undefined) throw cannotAdopt(driver.name);
    checkTakeOver(socket);
    const isPaused = socket.isPaused();
    let received: Uint8Array | undefined;
    const take = (): AdoptedSocket => {
      const adopted = driver.adoptSocket?.(socket, settings.socket) as AdoptedSocket;
      ({ received } = adopted);
      return adopted;
    };
    const connection = this.#enter(take, options);
    if (isPaused && connection.isOpened) connection.pauseRead();
    if (received !== undefined) this.#deliverFirst(connection, received);
    return connection;
  }

  /** Before the loop asks the kernel for more, and not inside the event that may be under way. */
  #deliverFirst({ slot, generation }: StreamConnection, bytes: Uint8Array): void {
    const loop = this.#loop;
    const receiver: Parameters<typeof replayBytes>[0] = {
      received: (slab, start, end) => loop.received(slot, generation, slab, start, end),
      failed: (error) => loop.failed(slot, generation, error),
    };
    loop.scheduleTasks({ runTasks: () => replayBytes(receiver, loop.readPool, bytes) });
  }

  #adopt(descriptor: number, options: RegisterOptions): Conn {
    const { driver, settings } = this.#loop;
    if (driver.adopt === undefined) throw cannotAdopt(driver.name);
    if (this.#loop.owns(descriptor)) throw ownAlready(descriptor);
    const take = () => driver.adopt?.(descriptor, settings.socket) as AdoptedSocket;
    return this.#enter(take, options);
  }

  #enter(take: () => AdoptedSocket, options: RegisterOptions): StreamConnection {
    const setUp = (connection: StreamConnection): void => {
      connection.context = options.context;
      if (options.handler !== undefined) connection.setHandler(options.handler as never);
      // Plain, as what is dialled, whatever the server has under those that come.
      connection.opened();
    };
    return this.#loop.adopt(take, setUp);
  }

  *connections(): IterableIterator<Conn> {
    for (const connection of this.#loop.connections()) {
      if (connection.isOpened && !connection.isClosed) yield connection;
    }
  }

  get [loopClock](): LoopClock {
    return this.#loop;
  }

  [workBegins](): () => void {
    let isOver = false;
    this.#loop.workWaits(1);
    return () => {
      if (isOver) return;
      isOver = true;
      this.#loop.workWaits(-1);
    };
  }

  #call(what: string, fn: () => unknown): void {
    const failed = (thrown: unknown): void => {
      this.#loop.report(`a function that was given to ${what} failed; the loop goes on`, thrown);
    };
    try {
      watch(this.#loop.calls.scope.runInAsyncScope(fn), failed);
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** The server stops: nothing is dialled any more. */
  stopDialling(): void {
    this.#stopped = true;
    for (const giveUp of this.#dials) giveUp(loopIsOver('register a connection'));
  }

  /** Nothing runs here any more. */
  end(): void {
    this.stopDialling();
    this.#over = true;
    for (const timer of this.#timers) this.#loop.cancelDeadline(timer);
    this.#timers.clear();
  }
}

function checkFunction(what: string, fn: unknown): () => unknown {
  if (typeof fn === 'function') return fn as () => unknown;
  throw new ErrInvalidOption(`cannot ${what} ${textOf(fn)}: give a function`);
}

function cannotAdopt(driver: string): ErrUnsupportedOp {
  return new ErrUnsupportedOp(`cannot register a socket: the driver ${driver} cannot`);
}

function loopIsOver(action: string): ErrServerInShutdown {
  return new ErrServerInShutdown(`cannot ${action}: the server of this loop is down, or stopping`);
}

/** A loop of another thread. */
export class DistantLoop implements LoopView {
  readonly isHere = false;
  readonly index: number;
  readonly shared: unknown;

  constructor(index: number, shared: unknown) {
    this.index = index;
    this.shared = shared;
  }

  #refuse(action: string): ErrUnsupportedOp {
    return new ErrUnsupportedOp(
      `cannot ${action} on loop ${this.index} from here: it runs on another thread; do it there, in an ` +
        'event, or write to its connections by server.conn(id)',
    );
  }

  execute(): void {
    throw this.#refuse('execute');
  }
  schedule(): never {
    throw this.#refuse('schedule');
  }
  register(): Promise<never> {
    return Promise.reject(this.#refuse('register a connection'));
  }
  connections(): never {
    throw this.#refuse('see the connections');
  }
}

/** Of a server whose own loop in this thread is `here`, or that has none here. */
export function loopViews(size: number, here: LoopView | null, shared: unknown): LoopView[] {
  return Array.from({ length: size }, (_, index) =>
    here?.index === index ? here : new DistantLoop(index, shared),
  );
}
