import { ErrLoopsDied } from '../base/errors.ts';
import type { ConnId, LoopView } from '../connection/conn.ts';
import type { Sendable } from '../connection/prepared.ts';
import { fromConnId } from '../connection/conn-id.ts';
import type { ListOrder } from '../connection/connection-list.ts';
import type { ConnectionInfo, ConnHandle, LoopStats } from '../connection/server-view.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import { eachGiven, givenLast } from '../driver/given-sockets.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventLoopSettings, LoopOwner } from '../loop/event-loop-settings.ts';
import { loopViews } from '../loop/loop-face.ts';
import type { DatagramOrder } from '../loop/datagram-order.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { broadcastBytes } from '../mailbox/broadcast.ts';
import { abandonLanesOf } from '../mailbox/abandoned-lanes.ts';
import type { PackedSettings } from '../tls/settings-transfer.ts';
import { AcceptorLoop } from './acceptor-loop.ts';
import { createBalancer } from './balancer.ts';
import { LoopConnHandle, staleId } from '../mailbox/conn-handle.ts';
import { packError, unpackError, unpackFields } from './error-transfer.ts';
import { requireFree } from './free-address.ts';
import { nextFirstGeneration } from './first-generation.ts';
import { deathFields, diedWhileOpening, slowFields } from './thread-errors.ts';
import { programEntry } from './program-entry.ts';
import { RemoteLoop } from './remote-loop.ts';
import { OwnListeners } from './own-listeners.ts';
import { refuseUnixReusePort } from './listener-checks.ts';
import { heldSockets } from './held-sockets.ts';
import { closeWhatIsLeft } from './dead-loop-cleanup.ts';
import { LoopOrders } from './loop-orders.ts';
import type { LoopThread } from './loop-thread.ts';
import { mainServers } from './main-servers.ts';
import type { FromThread, LoopOrder, ToThread } from './messages.ts';
import { type SupervisedGroup, type ThreadSupervisor, supervisors } from './thread-supervisor.ts';
import {
  addUnfinished,
  nothingUnfinished,
  toStopResult,
  type Unfinished,
} from '../loop/loop-end.ts';

/** TLS of the server, as data. */
export interface SharedTls {
  packed(): PackedSettings;
  /** Called with what is to be used from now on. */
  onReplaced: (packed: PackedSettings) => void;
}

export interface ThreadedLoopGroupPlan {
  readonly server: number;
  /** Which call of `serve`; -1 with a handler module. */
  readonly call: number;
  readonly size: number;
  readonly backend: Backend;
  /** Without a codec. */
  readonly settings: EventLoopSettings;
  readonly logger: Logger;
  readonly owner: LoopOwner;
  readonly loadBalancing: number;
  readonly pin: boolean;
  /** The URL of a handler module, or null: threads run the program again. */
  readonly module: string | null;
  /** Undefined: connections are plain. */
  readonly tls: SharedTls | undefined;
  /** The threads may be told: they find this group. */
  readonly onJoinable: () => void;
  /** A loop has another memory, and its listeners are others: every view must hear of it. */
  readonly onPlaces: () => void;
}

const slowStartMs = 10_000;
/** A loop must close by force within this time, or its thread is ended. */
const forceGraceMs = 1_000;

/** Several loops of one server, each on a thread of its own. */
export class ThreadedLoopGroup implements LoopGroup, SupervisedGroup {
  readonly server: number;
  readonly call: number;
  readonly size: number;
  readonly views: readonly LoopView[];
  readonly #plan: ThreadedLoopGroupPlan;
  readonly #supervisor: ThreadSupervisor;
  readonly #loops: RemoteLoop[] = [];
  readonly #acceptor: AcceptorLoop;
  readonly #own: OwnListeners;
  #addresses: (string | undefined)[] = [];
  /** Which endpoint each listener of the main thread is of. */
  readonly #acceptedFor: number[] = [];
  #endpointCount = 0;
  /** Nothing is accepted yet. */
  #holds = false;
  #phase: 'opening' | 'open' | 'running' | 'draining' | 'closing' = 'opening';
  #gaveUp = false;
  #graceTimer: NodeJS.Timeout | undefined;
  readonly #orders = new LoopOrders();

  constructor(plan: ThreadedLoopGroupPlan) {
    this.#plan = plan;
    if (plan.tls !== undefined) {
      plan.tls.onReplaced = (tls) => this.#postAll({ type: 'tls', server: plan.server, tls });
    }
    this.server = plan.server;
    this.call = plan.call;
    this.size = plan.size;
    this.views = loopViews(plan.size, null, plan.settings.shared);
    this.#supervisor = plan.module === null ? supervisors.program : supervisors.module;
    this.#acceptor = new AcceptorLoop({
      backend: plan.backend,
      balancer: createBalancer(plan.loadBalancing),
      logger: plan.logger,
      socket: plan.settings.connection.socket,
      maxConnections: plan.settings.maxConnections,
      died: (error) => plan.owner.loopDied(error),
    });
    const firstGeneration = nextFirstGeneration();
    for (let index = 0; index < plan.size; index++) {
      this.#loops.push(new RemoteLoop(index, firstGeneration));
    }
    this.#own = new OwnListeners(plan.server, this.#loops, this.#reusePort, heldSockets(plan));
  }

  // -- start --------------------------------------------------------------------------------------

  async open(endpoints: readonly Endpoint[]): Promise<readonly string[]> {
    refuseUnixReusePort(endpoints, this.#plan.backend, this.#reusePort);
    try {
      for (const { endpoint, of } of givenLast(endpoints)) {
        if (this.#isOwn(endpoint)) await this.#requireFree(endpoint);
        else this.#addresses[of] = await this.#accept(endpoint, of);
      }
      for (const [index, endpoint] of endpoints.entries()) {
        if (this.#isOwn(endpoint)) this.#own.want(endpoint, index);
      }
      this.#endpointCount = endpoints.length;
      await this.#supervisor.join(this);
      this.#plan.onJoinable();
      await this.#allListening();
    } catch (error) {
      this.#postAll({ type: 'refuse', call: this.#plan.call, error: packError(error) });
      await this.close();
      throw error;
    }
    this.#phase = 'open';
    const bound = (this.#loops[0] as RemoteLoop).addresses.values();
    return endpoints.map((_, index) => this.#addresses[index] ?? (bound.next().value as string));
  }

  get #reusePort(): boolean {
    return this.#plan.settings.connection.socket.reusePort;
  }

  /** Every loop listens there by itself. */
  #isOwn(endpoint: Endpoint): boolean {
    return endpoint.kind === 'udp' || this.#reusePort || this.#plan.backend.handsOver === false;
  }

  #requireFree(endpoint: Endpoint): Promise<void> {
    return requireFree(this.#plan.backend, endpoint, this.#plan.settings.connection.socket);
  }

  /** The main thread accepts on every socket of it. Returns its address. */
  async #accept(endpoint: Endpoint, index: number): Promise<string> {
    const addresses: string[] = [];
    for (const one of eachGiven(endpoint)) {
      addresses.push(await this.#acceptor.listen(one));
      this.#acceptedFor.push(index);
    }
    return addresses[0] as string;
  }

  async #allListening(): Promise<void> {
    const timer = setTimeout(() => {
      const missing = this.#loops.filter((loop) => loop.thread === null).map(({ index }) => index);
      const entry = this.#plan.module ?? programEntry();
      const fields = slowFields(missing, entry);
      this.#plan.logger.warn('threads have not reached this call of serve yet', fields);
    }, slowStartMs);
    try {
      const [first, ...others] = this.#loops as [RemoteLoop, ...RemoteLoop[]];
      const rest = Promise.all(others.map((loop) => loop.listening));
      rest.catch(() => {}); // told below, if loop 0 does not fail first
      await first.listening;
      this.#own.boundAt(first.addresses);
      await rest;
    } finally {
      clearTimeout(timer);
    }
  }

  async start(holds: boolean): Promise<void> {
    this.#phase = 'running';
    this.#holds = holds;
    await Promise.all(this.#loops.map((loop) => this.#startLoop(loop)));
    if (!holds && this.#acceptor.hasListeners) this.#acceptor.start();
  }

  accept(): void {
    this.#holds = false;
    if (this.#acceptor.hasListeners) this.#acceptor.start();
    this.#postAll({ type: 'accept', server: this.server });
  }

  sockets(): readonly (readonly GivenSocket[])[] {
    const sockets: GivenSocket[][] = Array.from({ length: this.#endpointCount }, () => []);
    for (const [listener, index] of this.#acceptedFor.entries()) {
      const socket = this.#acceptor.socket(listener);
      if (socket !== null) sockets[index]?.push(socket);
    }
    this.#own.addSockets(sockets);
    return sockets;
  }

  async listen(endpoint: Endpoint, holds: boolean): Promise<string> {
    refuseUnixReusePort([endpoint], this.#plan.backend, this.#reusePort);
    const at = this.#endpointCount;
    let address: string;
    if (this.#isOwn(endpoint)) {
      await this.#requireFree(endpoint);
      address = await this.#own.listen(endpoint, at, holds);
    } else {
      address = await this.#accept(endpoint, at);
      if (!holds) this.#acceptor.start();
    }
    this.#endpointCount++;
    return address;
  }

  whole(): Promise<void> {
    return this.#own.whole();
  }

  async unlisten(index: number): Promise<void> {
    await this.#own.unlisten(index);
    for (const [listener, of] of this.#acceptedFor.entries()) {
      if (of === index) await this.#acceptor.unlisten(listener);
    }
  }

  /** Threads do it by themselves, while the main thread has other things to wait for. */
  async rehearse(): Promise<void> {
    this.#postAll({ type: 'rehearse', server: this.server });
  }

  adopt(descriptor: number): void {
    this.#acceptor.adopt(descriptor);
  }
  owns(descriptor: number): boolean {
    return this.#loops.some((loop) => loop.memory.hasOpen(descriptor));
  }

  async pauseDatagrams(): Promise<void> {
    const { server } = this;
    await Promise.all(this.#loops.map((loop) => loop.pauseDatagrams(server)));
  }

  resumeDatagrams(): void {
    this.#postAll({ type: 'resumeDatagrams', server: this.server });
  }

  async #startLoop(loop: RemoteLoop): Promise<void> {
    const view = mainServers.get(this.server)?.view();
    if (view === undefined) return;
    loop.mayRun = true;
    loop.post({ type: 'start', view, holds: this.#holds });
    await loop.started;
    // Not the loop that died meanwhile: its successor starts itself.
    if (!loop.isRunning) return;
    this.#acceptor.loopRuns(loop.index, loop.memory);
    await this.#orders.loopRuns(loop, this.server);
  }

  // -- what threads say ---------------------------------------------------------------------------

  threadReady(thread: LoopThread): boolean {
    const loop = this.#loops[thread.index];
    // A server that is going down needs no successor of a loop that died.
    if (loop === undefined || this.#phase === 'draining' || this.#phase === 'closing') return false;
    loop.thread = thread;
    if (loop.index === 0 && this.#phase === 'opening') this.#order(loop);
    else void this.#own.bound.then(() => loop.thread === thread && this.#order(loop));
    return true;
  }

  #order(loop: RemoteLoop): void {
    if (this.#phase === 'closing') return; // nobody would close what is made now
    const { settings, backend, call, module, pin, tls } = this.#plan;
    const endpoints = this.#own.orderFor(loop, loop.wasOrdered);
    const order: LoopOrder = {
      type: 'loop',
      server: this.server,
      call,
      loop: loop.index,
      memory: loop.memory.buffer,
      firstGeneration: loop.firstGeneration,
      endpoints,
      settings,
      module,
      driver: backend.name,
      tls: tls?.packed(),
      pin,
    };
    loop.order(order);
  }

  message(thread: LoopThread, message: FromThread): void {
    const loop = this.#loops[thread.index];
    // What a thread said before it died may come after its successor was made.
    if (loop === undefined || loop.thread !== thread) return;
    if (message.type === 'log') {
      this.#plan.logger[message.level](message.message, unpackFields(message.fields));
    } else if (message.type === 'shutdown') {
      this.#plan.owner.shutdownRequested();
    } else if (message.type === 'taken' || message.type === 'listed') {
      this.#orders.done(message);
    } else if (message.type === 'failed' && this.#phase !== 'opening') {
      this.#plan.logger.error('a loop could not be started again', {
        err: unpackError(message.error),
        loop: loop.index,
      });
      thread.kill();
    } else {
      loop.message(message);
      this.#own.hold(loop);
      if (message.type === 'listening' && this.#phase === 'running') void this.#rejoin(loop);
    }
  }

  /** A loop that replaced a dead one listens: it may run, and all threads are notified. */
  async #rejoin(loop: RemoteLoop): Promise<void> {
    this.#plan.onPlaces();
    await this.#startLoop(loop);
  }

  abandonLanesOf(deadThreadId: number): void {
    for (const loop of this.#loops) abandonLanesOf(loop.memory, deadThreadId);
  }

  threadDied(thread: LoopThread, reason: Error): void {
    const loop = this.#loops[thread.index];
    if (loop === undefined) return;
    const { logger } = this.#plan;
    const wasOpening = this.#phase === 'opening';
    const joined = loop.thread !== null;
    const why = wasOpening ? diedWhileOpening(thread, joined, this.#plan.module, reason) : reason;
    if (wasOpening && !joined) {
      loop.fail(why);
      return;
    }
    const lost = loop.memory.connections;
    const left = loop.die(why, this.#phase === 'running' || this.#phase === 'open');
    this.#acceptor.loopDied(loop.index);
    closeWhatIsLeft(left);
    if (wasOpening || this.#phase === 'closing') return;
    this.#plan.onPlaces(); // the numbers of its listeners may soon be those of other sockets
    const fields = deathFields(thread, this.#plan.module, reason, lost);
    logger.error('the thread of an event loop died; its connections are lost', fields);
  }

  /** A server none of whose loops will be back soon is down: its clients must hear of it. */
  threadsMissing(isMissing: (index: number) => boolean, reason: Error): void {
    if (this.#phase !== 'running' || this.#gaveUp) return;
    if (!this.#loops.every(({ thread, index }) => thread === null && isMissing(index))) return;
    this.#gaveUp = true;
    this.#plan.owner.loopDied(
      new ErrLoopsDied(
        `cannot go on: the threads of all ${this.size} event loops died more often than they are ` +
          `started again (5 times a minute each); the last one: ${reason.message}`,
        { cause: reason },
      ),
    );
  }

  threadStrayed(thread: LoopThread, error: Error): void {
    const loop = this.#loops[thread.index];
    if (this.#phase === 'opening' && loop?.thread === null) loop.fail(error);
  }

  // -- while it runs ------------------------------------------------------------------------------

  get connections(): number {
    return this.#loops.reduce((sum, loop) => sum + loop.memory.connections, 0);
  }

  stats(): LoopStats[] {
    const [first, ...others] = this.#loops.map((loop) => loop.stats());
    if (first === undefined) return [];
    // Where the main thread accepts for all loops, its listeners count with the first.
    const acceptRests = first.acceptRests + this.#acceptor.acceptRests;
    return [{ ...first, acceptRests }, ...others];
  }

  memories(): SharedArrayBuffer[] {
    return this.#loops.map((loop) => loop.memory.buffer);
  }

  get listenerDescriptor(): number {
    const { hasListeners, listenerDescriptor } = this.#acceptor;
    return hasListeners ? listenerDescriptor : this.#own.descriptor;
  }

  duplicateListener(): number {
    if (this.#acceptor.hasListeners) return this.#acceptor.duplicateListener();
    return this.#own.duplicate(this.#plan.backend);
  }

  listenerWasDuplicated(): void {
    if (this.#acceptor.hasListeners) this.#acceptor.markDuplicated();
    else this.#own.markDuplicated();
  }

  conn(id: ConnId): ConnHandle {
    const identity = fromConnId(id);
    const loop = identity === null ? undefined : this.#loops[identity.loop];
    if (identity === null || loop === undefined) throw staleId(id);
    const { generation } = identity;
    if (generation < loop.firstGeneration || generation > loop.memory.highestGeneration) {
      throw staleId(id);
    }
    return new LoopConnHandle(id, loop.memory);
  }

  async broadcast(data: Sendable): Promise<number> {
    return this.#orders.broadcast(this.#loops, this.server, broadcastBytes(data));
  }

  lists(order: ListOrder): Promise<readonly ConnectionInfo[][]> {
    return this.#orders.lists(this.#loops, this.server, order);
  }

  datagrams(order: DatagramOrder): Promise<void> {
    return this.#orders.datagrams(this.#loops, this.server, order);
  }

  // -- end ----------------------------------------------------------------------------------------

  async drain(leavesOver: number | null): Promise<void> {
    this.#phase = 'draining';
    this.#acceptor.stopAccepting(leavesOver !== null);
    // Each by itself: a loop that is stuck takes no hand-over, and the others must not wait for it.
    const ends = this.#loops.map((loop) =>
      loop.drain(this.server, this.#acceptor.handedOver(loop.index), leavesOver),
    );
    await Promise.all(ends);
  }

  force(): void {
    this.#postAll({ type: 'force', server: this.server });
    if (this.#graceTimer === undefined) this.#beginGrace();
  }

  #beginGrace(): void {
    clearTimeout(this.#graceTimer);
    // Threads keep the process alive as long as there is something to give up.
    this.#graceTimer = setTimeout(() => this.#giveUpStuckLoops(), forceGraceMs).unref();
  }

  /** A thread that is stuck in the program's code hears nothing: it is ended, with what it has open. */
  #giveUpStuckLoops(): void {
    for (const loop of this.#loops) {
      const { thread } = loop;
      if (thread === null || !loop.isEnding) continue;
      this.#plan.logger.error('a loop does not answer; its thread is ended', { loop: loop.index });
      loop.giveUp();
      thread.kill();
    }
  }

  get unfinished(): Unfinished {
    const sum = nothingUnfinished();
    for (const { unfinished } of this.#loops) addUnfinished(sum, unfinished);
    return sum;
  }

  #postAll(message: ToThread): void {
    for (const loop of this.#loops) loop.post(message);
  }

  async close(): Promise<void> {
    if (this.#phase === 'closing') return;
    const view = mainServers.get(this.server)?.view();
    if (this.#phase === 'open' && view !== undefined) {
      // It is closed before it started: the program's call succeeds there as it does here.
      this.#postAll({ type: 'view', call: this.#plan.call, view: { ...view, ended: true } });
    }
    this.#phase = 'closing';
    // The time that they have counts from now: a loop may be stuck that has drained.
    if (this.#graceTimer !== undefined) this.#beginGrace();
    this.#own.giveUp();
    this.#acceptor.close();
    const result = toStopResult(this.unfinished);
    await Promise.all(this.#loops.map((loop) => loop.close(this.server, result)));
    clearTimeout(this.#graceTimer);
    await this.#supervisor.leave(this);
  }

  closeAtExit(): void {
    this.#acceptor.close();
  }
}
