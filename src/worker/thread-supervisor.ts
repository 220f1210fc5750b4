import { channels } from '../base/channels.ts';
import type { ChannelMessages } from '../connection/channel-messages.ts';
import { packError } from './error-transfer.ts';
import { abandonLanesHere } from '../mailbox/loops-here.ts';
import { whenThreadEnds } from '../mailbox/thread-ends.ts';
import { LoopThread } from './loop-thread.ts';
import { mainServers } from './main-servers.ts';
import type { FromThread, ToThread } from './messages.ts';
import { RestartBudget, soonMs } from './restart-budget.ts';
import { serveCall } from './serve-calls.ts';

/** The loops of one server, for the threads that run them. */
export interface SupervisedGroup {
  readonly server: number;
  /** Which call of `serve` it is; -1 with a handler module. */
  readonly call: number;
  readonly size: number;
  /** A thread can run its loop now; false when this group wants it no more. */
  threadReady(thread: LoopThread): boolean;
  message(thread: LoopThread, message: FromThread): void;
  threadDied(thread: LoopThread, reason: Error): void;
  /** Threads have died; which loops will be without one for long. */
  threadsMissing(isMissing: (index: number) => boolean, reason: Error): void;
  /** A thread of any server is gone: releases the lanes of its unfinished writes. */
  abandonLanesOf(deadThreadId: number): void;
  /** A thread made another call of `serve` in place of this one. */
  threadStrayed(thread: LoopThread, error: Error): void;
}

/** A thread that will be started again. */
interface Restart {
  readonly timer: NodeJS.Timeout;
  readonly soon: boolean;
}

/**
 * The threads of loops, of the whole process: thread i runs loop i of every server that has more than
 * i loops. They are made when the first server needs them and end with the last one.
 */
export class ThreadSupervisor {
  readonly #kind: 'program' | 'module';
  readonly #threads: (LoopThread | null)[] = [];
  readonly #budgets: RestartBudget[] = [];
  readonly #groups = new Map<number, SupervisedGroup>();
  readonly #ending = new Set<Promise<void>>();
  readonly #restarts = new Map<number, Restart>();

  constructor(kind: 'program' | 'module') {
    this.#kind = kind;
  }

  /** Gives a group its threads; each reports by `threadReady` when it is there. */
  async join(group: SupervisedGroup): Promise<void> {
    await Promise.all(this.#ending);
    this.#groups.set(group.server, group);
    for (let index = 0; index < group.size; index++) {
      const thread = this.#threads[index] ?? null;
      if (thread === null) this.#startNow(index);
      else if (this.#kind === 'module') group.threadReady(thread);
    }
  }

  /** A group is over: threads that no other group needs end, and are waited for. */
  async leave(group: SupervisedGroup): Promise<void> {
    this.#groups.delete(group.server);
    let needed = 0;
    for (const { size } of this.#groups.values()) needed = Math.max(needed, size);
    for (const [index, { timer }] of this.#restarts) {
      if (index < needed) continue;
      clearTimeout(timer);
      this.#restarts.delete(index);
    }
    const unneeded = this.#threads.slice(needed).filter((thread) => thread !== null);
    for (const thread of unneeded) {
      this.#threads[thread.index] = null;
      const ended = thread.end();
      this.#ending.add(ended);
      void ended.then(() => this.#ending.delete(ended));
    }
    await Promise.all(this.#ending);
  }

  /** @throws what the runtime throws when it has no thread to give. */
  #startNow(index: number): void {
    clearTimeout(this.#restarts.get(index)?.timer);
    this.#restarts.delete(index);
    const thread = new LoopThread(this.#kind, index, {
      message: (from, message) => this.#message(from, message),
      ended: (gone, reason) => this.#ended(gone, reason),
    });
    this.#threads[index] = thread;
    if (this.#kind === 'program') return; // it joins when it reaches the same call of `serve`
    for (const group of this.#groups.values()) if (group.size > index) group.threadReady(thread);
  }

  #ended(thread: LoopThread, reason: Error | null): void {
    if (this.#threads[thread.index] === thread) this.#threads[thread.index] = null;
    const groups = [...this.#groups.values()];
    abandonLanesInAll(thread.threadId);
    if (reason === null) return;
    if (channels.loopDead.hasSubscribers) {
      const message: ChannelMessages['gnet:loop.dead'] = { loop: thread.index, error: reason };
      channels.loopDead.publish(message);
    }
    if (this.#isMissing(thread.index)) this.#restart(thread.index);
    for (const group of groups) if (group.size > thread.index) group.threadDied(thread, reason);
    this.#tellOfMissing(reason);
  }

  /** Whether a group has no thread for its loop of that number. */
  #isMissing(index: number): boolean {
    if ((this.#threads[index] ?? null) !== null) return false;
    for (const group of this.#groups.values()) if (group.size > index) return true;
    return false;
  }

  /** Soon, or later when it has happened often. */
  #restart(index: number): void {
    this.#budgets[index] ??= new RestartBudget();
    const delay = (this.#budgets[index] as RestartBudget).take(performance.now());
    const timer = setTimeout(() => {
      this.#restarts.delete(index);
      if (!this.#isMissing(index)) return;
      try {
        this.#startNow(index);
        if (channels.loopRestarted.hasSubscribers) {
          const message: ChannelMessages['gnet:loop.restarted'] = { loop: index };
          channels.loopRestarted.publish(message);
        }
      } catch (error) {
        this.#restart(index);
        this.#tellOfMissing(error as Error);
      }
    }, delay);
    this.#restarts.set(index, { timer, soon: delay <= soonMs });
  }

  #tellOfMissing(reason: Error): void {
    const isMissing = (index: number): boolean => this.#restarts.get(index)?.soon === false;
    for (const group of [...this.#groups.values()]) group.threadsMissing(isMissing, reason);
  }

  abandonLanesOf(deadThreadId: number): void {
    for (const thread of this.#threads) thread?.abandonLanesOf(deadThreadId);
    for (const group of this.#groups.values()) group.abandonLanesOf(deadThreadId);
  }

  // -- what threads say ---------------------------------------------------------------------------

  #message(thread: LoopThread, message: FromThread): void {
    if (message.type === 'join') {
      void this.#join(thread, message.call, message.texts);
      return;
    }
    const server = mainServers.get(message.server);
    if (message.type === 'stop') {
      const { timeout } = message;
      void server?.stop(timeout === undefined ? {} : { timeout });
    } else if (message.type === 'broadcast') {
      const { request } = message;
      // A server that has just ended has no connections.
      const counted = server?.broadcast(message.data) ?? Promise.resolve(0);
      void counted.then(
        (value) => thread.post({ type: 'answer', request, value }),
        (error: unknown) => thread.post({ type: 'unanswered', request, error: packError(error) }),
      );
    } else if (message.type === 'sendTo') {
      const { request } = message;
      const sent = server?.sendTo(message.address, message.data) ?? Promise.resolve();
      void sent.then(
        () => thread.post({ type: 'answer', request, value: 0 }),
        (error: unknown) => thread.post({ type: 'unanswered', request, error: packError(error) }),
      );
    } else if (message.type === 'duplicated') {
      server?.listenerWasDuplicated();
    } else {
      this.#groups.get(message.server)?.message(thread, message);
    }
  }

  /** The thread has come to a call of `serve`. */
  async #join(thread: LoopThread, index: number, texts: readonly string[]): Promise<void> {
    const call = await serveCall(index);
    // One that ended while it waited: another thread comes to this call in its place.
    const isGone = (): boolean => this.#threads[thread.index] !== thread;
    if (isGone()) return;
    try {
      call.mustMatch(texts);
    } catch (error) {
      thread.post({ type: 'refuse', call: index, error: packError(error) });
      for (const group of this.#groups.values()) {
        if (group.call === index) group.threadStrayed(thread, error as Error);
      }
      return;
    }
    const outcome = await call.outcome;
    if (isGone()) return;
    if (outcome.kind === 'failed') {
      thread.post({ type: 'refuse', call: index, error: outcome.error });
      return;
    }
    if (outcome.kind === 'over') {
      thread.post({ type: 'view', call: index, view: outcome.view });
      return;
    }
    const group = this.#groups.get(outcome.server.id);
    const wanted = outcome.kind === 'threaded' && group !== undefined && group.size > thread.index;
    if (wanted && group.threadReady(thread)) return;
    // Also where the server is going down: the program goes on to its next call.
    await outcome.server.ready;
    thread.post({ type: 'view', call: index, view: outcome.server.view() });
  }

  /** Tells all of its threads, also those that have no loop of the server. */
  tell(message: ToThread): void {
    for (const thread of this.#threads) thread?.post(message);
  }
}

/** Threads that run the program's own file, and threads that run handler modules. */
export const supervisors = {
  program: new ThreadSupervisor('program'),
  module: new ThreadSupervisor('module'),
} as const;

/**
 * A loop thread or a thread of the program is gone: releases the lanes of its unfinished writes.
 */
function abandonLanesInAll(deadThreadId: number): void {
  for (const supervisor of Object.values(supervisors)) supervisor.abandonLanesOf(deadThreadId);
  abandonLanesHere(deadThreadId);
}

whenThreadEnds(abandonLanesInAll);
