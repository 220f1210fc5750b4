import type { LoopStats, StopResult } from '../connection/server-view.ts';
import { unpackError } from './error-transfer.ts';
import { generationAfter } from './first-generation.ts';
import { LoopMemory, loopState } from '../mailbox/loop-memory.ts';
import type { LoopThread } from './loop-thread.ts';
import type { FromThread, LoopOrder, SocketsToGive, ToThread } from './messages.ts';
import { continueCounting, statsIn } from '../mailbox/publication.ts';
import { nothingUnfinished, type Unfinished } from '../loop/loop-end.ts';

/** A promise that other code settles; ignoring it is allowed. */
class Milestone {
  readonly reached: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor() {
    this.reached = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.reached.catch(() => {});
  }

  reach(): void {
    this.#resolve();
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

/** What came of a change of where a loop listens. */
type Changed = FromThread & { readonly type: 'changed' };

/** One loop of a server on another thread, as the main thread sees it; outlives threads that die. */
export class RemoteLoop {
  readonly index: number;
  thread: LoopThread | null = null;
  memory: LoopMemory = LoopMemory.create();
  /** Ids of connections that this loop's predecessors had are never used again. */
  firstGeneration: number;
  addresses: readonly string[] = [];
  #firstDescriptor = -1;
  #sockets: SocketsToGive = [];
  /** Which address of the server each place of it is of, also those that are closed. */
  socketsOf: readonly number[] = [];
  /** What its stop left undone. */
  unfinished: Unfinished = nothingUnfinished();
  isRunning = false;
  /** A thread has been ordered to run it before. */
  wasOrdered = false;
  /** This thread has been, and says when it has closed it. */
  #isOrdered = false;
  /** It was told to run. */
  mayRun = false;
  #listening = new Milestone();
  #started = new Milestone();
  #drained = new Milestone();
  #closed = new Milestone();
  #over = new Milestone();
  #paused = new Milestone();
  #onChanged: (changed: Changed) => void = () => {};

  constructor(index: number, firstGeneration: number) {
    this.index = index;
    this.firstGeneration = firstGeneration;
  }

  /** Rejects when it cannot. */
  get listening(): Promise<void> {
    return this.#listening.reached;
  }
  get started(): Promise<void> {
    return this.#started.reached;
  }
  /** It answers nothing any more: closed, or dead. */
  get over(): Promise<void> {
    return this.#over.reached;
  }

  /** What it has to give to another process; nothing once it is closed, or dead. */
  get sockets(): SocketsToGive {
    // Its thread closes its loops before it is gone: the numbers may be those of others by now.
    return this.memory.state === loopState.running ? this.#sockets : [];
  }

  /** Of the first place that is open; -1 where there is none, or descriptors mean nothing. */
  get listenerDescriptor(): number {
    const { sockets } = this;
    if (typeof sockets === 'string') return this.#firstDescriptor;
    return sockets.find((socket) => socket !== null)?.descriptor ?? -1;
  }

  post(message: ToThread): void {
    this.thread?.post(message);
  }

  /** Its thread is to run it. */
  order(message: LoopOrder): void {
    this.wasOrdered = this.#isOrdered = true;
    this.post(message);
  }

  message(message: FromThread): void {
    if (message.type === 'listening') {
      this.addresses = message.addresses;
      this.#firstDescriptor = message.listenerDescriptor;
      this.#sockets = message.sockets;
      this.#listening.reach();
    } else if (message.type === 'failed') {
      this.#listening.fail(unpackError(message.error));
    } else if (message.type === 'started') {
      this.isRunning = true;
      this.#started.reach();
    } else if (message.type === 'drained') {
      this.unfinished = message.unfinished;
      this.#drained.reach();
    } else if (message.type === 'changed') {
      this.#sockets = message.sockets;
      this.#onChanged(message);
    } else if (message.type === 'datagramsPaused') {
      this.#paused.reach();
    } else if (message.type === 'closed') {
      this.#end();
    }
  }

  /** Resolves when it reads no datagrams any more, or is over. */
  async pauseDatagrams(server: number): Promise<void> {
    if (!this.isRunning) return;
    this.#paused = new Milestone();
    this.post({ type: 'pauseDatagrams', server });
    await Promise.race([this.#paused.reached, this.over]);
  }

  /** Where it listens is changed, one change at a time; null when it is dead, or dies. */
  async change(order: ToThread & { readonly type: 'change' }): Promise<Changed | null> {
    if (this.thread === null) return null;
    const changed = new Promise<Changed>((resolve) => {
      this.#onChanged = resolve;
    });
    this.post(order);
    return Promise.race([changed, this.over.then(() => null)]);
  }

  fail(error: Error): void {
    this.#listening.fail(error);
    this.#end();
  }

  #end(): void {
    this.isRunning = this.mayRun = false;
    this.#started.reach();
    this.#drained.reach();
    this.#closed.reach();
    this.#over.reach();
  }

  /**
   * Its thread is dead. Returns its memory, where it says what it has left open and mapped.
   * @param goesOn another thread takes over.
   */
  die(reason: Error, goesOn: boolean): LoopMemory {
    this.thread = null;
    this.#isOrdered = false;
    this.#sockets = [];
    this.socketsOf = [];
    this.#firstDescriptor = -1;
    this.#listening.fail(reason);
    this.#end();
    const left = this.memory;
    left.markDead();
    if (!goesOn) return left;
    this.firstGeneration = generationAfter(this.firstGeneration, this.memory.highestGeneration);
    this.memory = LoopMemory.create();
    continueCounting(this.memory, statsIn(left));
    this.#listening = new Milestone();
    this.#started = new Milestone();
    this.#drained = new Milestone();
    this.#closed = new Milestone();
    this.#over = new Milestone();
    return left;
  }

  /** It was told to end, and has not. */
  isEnding = false;

  /** @param handedOver settles when it has taken every connection that was handed to it. */
  async drain(server: number, handedOver: Promise<void>, leavesOver: number | null): Promise<void> {
    if (!this.mayRun) return;
    // Also while it starts: a thread may be stuck even then.
    this.isEnding = true;
    await this.started;
    await Promise.race([handedOver, this.over]);
    if (this.isRunning) {
      this.post({ type: 'drain', server, leavesOver });
      await this.#drained.reached;
    }
    this.isEnding = false;
  }

  /** Its thread is about to be ended: its connections are lost. */
  giveUp(): void {
    this.unfinished.lostLoops++;
    this.unfinished.forced += this.memory.connections;
  }

  async close(server: number, result: StopResult): Promise<void> {
    if (this.thread === null) return;
    this.post({ type: 'close', server, result });
    if (!this.#isOrdered) return;
    this.isEnding = true;
    await this.#closed.reached;
    this.isEnding = false;
  }

  stats(): LoopStats {
    return statsIn(this.memory);
  }
}
