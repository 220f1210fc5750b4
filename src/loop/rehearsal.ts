/**
 * The life of a connection, played through on a loop of its own, before clients wait for it. The runtime
 * compiles a function when it is called for the first time, and forgets what it has not called for long: what
 * ends the first connection would hold up all others for milliseconds.
 */
import { nextTurn } from '../base/next-turn.ts';
import { unseenLoop } from '../connection/conn-channels.ts';
import { handlerCalls } from '../connection/handler-events.ts';
import type { Conn, EventHandler } from '../connection/conn.ts';
import type { Backend, NativeCalls } from '../driver/backend.ts';
import type { Logger } from '../logging/logger.ts';
import { EventLoop } from './event-loop.ts';
import type { EventLoopSettings } from './event-loop-settings.ts';

/** Goodbyes are not said at once, as in a restart. */
const leavesOverMs = 1;
/** A turn each for what comes next: some twenty are enough. */
const turnsMax = 200;

const nobody: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
};

/** Both ends of a connection: what the one asks, the other one answers. */
class Actors implements EventHandler {
  heard = 0;

  react(frame: Buffer | null): Buffer | null {
    this.heard++;
    return this.heard % 2 === 1 ? frame : null;
  }

  signalClose(c: Conn): void {
    c.asyncWrite('.');
  }
}

/** The program's own code, its logs and its figures have no part in it. */
function settingsOf({ connection, ...given }: EventLoopSettings): EventLoopSettings {
  return {
    index: unseenLoop,
    readBufferBytes: given.readBufferBytes,
    maxConnections: 2,
    ticker: false,
    busyPollMicroseconds: 0,
    poisonFrames: given.poisonFrames,
    connection: { ...connection, codec: undefined, proxyProtocol: undefined },
  };
}

class Rehearsal {
  readonly #actors = new Actors();
  readonly #loop: EventLoop;
  readonly #native: NativeCalls;
  #isOver = false;
  #turns = 0;

  constructor(backend: Backend, native: NativeCalls, settings: EventLoopSettings) {
    this.#native = native;
    const end = (): void => {
      this.#isOver = true;
    };
    const owner = { shutdownRequested: end, loopDied: end };
    const calls = handlerCalls(this.#actors);
    this.#loop = new EventLoop(backend, calls, settingsOf(settings), owner, nobody);
  }

  /** Resolves with whether everybody has come to their end. */
  async play(): Promise<boolean> {
    try {
      await this.#meet();
      await this.#part();
      await this.#meet();
      void this.#loop.closeConnections(leavesOverMs).then(() => {
        this.#isOver = true;
      });
      await this.#until(() => this.#isOver);
      return this.#isOver && this.#loop.unfinished.forced === 0;
    } finally {
      // What holds a stop up must not go on with it.
      this.#loop.abortConnections(undefined);
      this.#loop.close();
    }
  }

  /** Two connect, the first one asks, and the other one answers. */
  async #meet(): Promise<void> {
    const ends = [...this.#native.socketPair()];
    try {
      for (let end = ends[0]; end !== undefined; end = ends[0]) {
        await this.#enter(end);
        ends.shift();
        await nextTurn();
      }
    } finally {
      for (const end of ends) this.#native.closeDescriptor(end);
    }
    const [asks] = this.#loop.connections();
    asks?.setTimer(60_000, () => {});
    await nextTurn();
    const heard = this.#actors.heard + 2;
    asks?.asyncWrite('.');
    await nextTurn();
    await this.#until(() => this.#actors.heard === heard);
  }

  /** The one that asks closes, and the other one follows. */
  async #part(): Promise<void> {
    this.#loop.connections()[0]?.close();
    await nextTurn();
    await this.#until(() => this.#loop.connections().length === 0);
  }

  async #enter(descriptor: number): Promise<void> {
    const { driver, settings } = this.#loop;
    // Drivers that make system calls can.
    const adopted = driver.adopt?.(descriptor, settings.socket);
    await nextTurn();
    if (adopted !== undefined) this.#loop.accept(adopted.descriptor, adopted.peer);
  }

  /** One thing after the other, each in a turn of the thread, in which clients are served. */
  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isOver && this.#turns < turnsMax) {
      this.#turns++;
      this.#loop.runDue();
      await nextTurn();
      this.#loop.wait(0);
      await nextTurn();
    }
  }
}

/**
 * Resolves with whether it was played to its end. Never rejects: what cannot be played will be done all the
 * same, only not as fast.
 */
export async function rehearse(backend: Backend, settings: EventLoopSettings): Promise<boolean> {
  const { native } = backend;
  if (native === undefined) return false;
  try {
    const rehearsal = new Rehearsal(backend, native, settings);
    await nextTurn();
    return await rehearsal.play();
  } catch {
    // No descriptors, or no memory: the loops in earnest have theirs.
    return false;
  }
}
