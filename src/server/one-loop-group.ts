import { ErrUnsupportedOp } from '../base/errors.ts';
import type { ConnId } from '../connection/conn.ts';
import type { Sendable } from '../connection/prepared.ts';
import type { HandlerCalls } from '../connection/owner.ts';
import { fromConnId } from '../connection/conn-id.ts';
import type { LoopView } from '../connection/conn.ts';
import { connectionList, type ListOrder } from '../connection/connection-list.ts';
import type { ConnectionInfo, ConnHandle, LoopStats } from '../connection/server-view.ts';
import type { LayerFactory } from '../connection/layer.ts';
import type { Leaks } from '../connection/leaks.ts';
import type { LoopTls } from '../connection/tls/loop-tls.ts';
import type { DatagramSession } from '../connection/datagram-session.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import type { Backend } from '../driver/backend.ts';
import type { AdoptedSocket, Endpoint, GivenSocket } from '../driver/contract.ts';
import { eachGiven, givenLast } from '../driver/given-sockets.ts';
import type { Logger } from '../logging/logger.ts';
import { EventLoop } from '../loop/event-loop.ts';
import type { DatagramOrder } from '../loop/datagram-order.ts';
import type { Attempt, DialOutcome } from '../loop/dialer.ts';
import type { EventLoopSettings, LoopOwner } from '../loop/event-loop-settings.ts';
import type { Unfinished } from '../loop/loop-end.ts';
import { rehearse } from '../loop/rehearsal.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { broadcastOn } from '../mailbox/broadcast.ts';
import { LoopConnHandle, staleId } from '../mailbox/conn-handle.ts';
import { nextFirstGeneration } from '../worker/first-generation.ts';
import { control, LoopMemory } from '../mailbox/loop-memory.ts';
import { openMailbox } from '../mailbox/loop-mailbox.ts';
import { publicationIn } from '../mailbox/publication.ts';

/** One loop, on this thread. */
export class OneLoopGroup implements LoopGroup {
  readonly size = 1;
  /** None to duplicate: the loop accepts for itself. */
  readonly listenerDescriptor = -1;
  readonly #loop: EventLoop;
  readonly #logger: Logger;
  readonly #rehearse: () => Promise<unknown>;
  /**
   * The memory that other threads need; created with the first handle unless something needs it
   * sooner.
   */
  #memory: LoopMemory | null;
  #hasMailbox = false;
  /** Which places of the loop each endpoint has. */
  readonly #places: number[][] = [];

  constructor(
    backend: Backend,
    calls: HandlerCalls,
    settings: EventLoopSettings,
    owner: LoopOwner,
    logger: Logger,
    memory: LoopMemory | null = null,
  ) {
    const own = {
      ...settings,
      firstGeneration: nextFirstGeneration(),
      ...(memory !== null && { publication: publicationIn(memory) }),
    };
    this.#memory = memory;
    this.#loop = new EventLoop(backend, calls, own, owner, logger);
    this.#logger = logger;
    this.#rehearse = () => rehearse(backend, settings);
  }

  get leaks(): Leaks | null {
    return this.#loop.leaks;
  }

  get views(): readonly LoopView[] {
    return [this.#loop.face];
  }

  async open(endpoints: readonly Endpoint[]): Promise<readonly string[]> {
    const addresses: string[] = [];
    try {
      for (const { endpoint, of } of givenLast(endpoints)) {
        addresses[of] = await this.#openOne(endpoint, of);
      }
    } catch (error) {
      this.#loop.close();
      throw error;
    }
    return addresses;
  }

  async #openOne(endpoint: Endpoint, of: number): Promise<string> {
    const { listening } = this.#loop;
    const found: string[] = [];
    for (const one of eachGiven(endpoint)) {
      await listening.prepare(one);
      found.push(listening.listen(one));
    }
    const first = listening.count - found.length;
    this.#places[of] = found.map((_, at) => first + at);
    return found[0] as string;
  }

  start(holds: boolean): Promise<void> {
    if (holds) this.#loop.attach();
    else this.#loop.start();
    return Promise.resolve();
  }

  async rehearse(): Promise<void> {
    await this.#rehearse();
  }

  async whole(): Promise<void> {}

  accept(): void {
    this.#loop.listening.accept();
  }

  sockets(): readonly (readonly GivenSocket[])[] {
    const sockets = this.#loop.listening.sockets();
    if (sockets.includes(undefined)) {
      throw new ErrUnsupportedOp(
        `cannot give listeners to another process: the driver ${this.#loop.driver.name} cannot`,
      );
    }
    return this.#places.map((places) => places.flatMap((place) => sockets[place] ?? []));
  }

  async listen(endpoint: Endpoint, holds: boolean): Promise<string> {
    const { listening } = this.#loop;
    const found: string[] = [];
    const places: number[] = [];
    for (const one of eachGiven(endpoint)) {
      found.push(await listening.listenNow(one, holds));
      places.push(listening.count - 1);
    }
    this.#places.push(places);
    return found[0] as string;
  }

  async unlisten(index: number): Promise<void> {
    for (const place of this.#places[index] ?? []) await this.#loop.listening.close(place);
  }

  adopt(descriptor: number): void {
    const { driver, settings } = this.#loop;
    if (driver.adopt === undefined) {
      throw new ErrUnsupportedOp(`cannot adopt a socket: the driver ${driver.name} cannot`);
    }
    this.#loop.adopt(() => driver.adopt?.(descriptor, settings.socket) as AdoptedSocket);
  }

  owns(descriptor: number): boolean {
    return this.#loop.owns(descriptor);
  }

  async datagrams(order: DatagramOrder): Promise<void> {
    this.#loop.datagrams.obey(order);
  }

  async pauseDatagrams(): Promise<void> {
    this.#loop.listening.ports.pause();
  }

  resumeDatagrams(): void {
    this.#loop.listening.ports.start();
  }

  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null {
    return this.#loop.dial(endpoint, outcome);
  }

  dialDatagrams(endpoint: Endpoint): Promise<DatagramSession> {
    return this.#loop.datagrams.dial(endpoint);
  }

  /** The one that the loop has, which may be that of an upgrade: the loop counts there. */
  useTls(tls: LoopTls): LoopTls {
    this.#loop.tls ??= tls;
    return this.#loop.tls;
  }

  scheduleTasks(of: { runTasks(): void }): void {
    this.#loop.scheduleTasks(of);
  }

  abandonDial(attempt: Attempt): void {
    this.#loop.abandonDial(attempt);
  }

  begin(connection: StreamConnection, layers?: LayerFactory): void {
    this.#loop.begin(connection, layers);
  }

  get connections(): number {
    return this.#loop.connectionCount;
  }

  stats(): LoopStats[] {
    this.#loop.driver.refreshCounters();
    const stats = this.#loop.stats();
    const { histograms } = this.#loop.counts;
    const memory = this.#hasMailbox ? this.#memory : null;
    return [
      {
        ...stats,
        ...(memory !== null && { mailboxBytes: memory.waitingBytes }),
        ...(histograms !== null && { histograms: histograms.stats() }),
      },
    ];
  }

  async lists(order: ListOrder): Promise<readonly ConnectionInfo[][]> {
    return [connectionList(this.#loop.connections(), order)];
  }

  memories(): SharedArrayBuffer[] {
    return [this.#share().buffer];
  }

  #share(): LoopMemory {
    this.#memory ??= LoopMemory.create();
    if (!this.#hasMailbox) {
      this.#hasMailbox = true;
      const { words } = this.#memory;
      Atomics.store(words, control.connections, this.#loop.connectionCount);
      // Ids are looked up where the loop is; no other thread need know which there were.
      Atomics.store(words, control.generation, 2 ** 31 - 1);
      openMailbox(this.#loop, this.#memory, this.#logger);
    }
    return this.#memory;
  }

  duplicateListener(): number {
    return this.#loop.listening.duplicate();
  }

  listenerWasDuplicated(): void {}

  conn(id: ConnId): ConnHandle {
    const identity = fromConnId(id);
    const found =
      identity !== null &&
      identity.loop === this.#loop.index &&
      this.#loop.connection(identity.slot, identity.generation) !== null;
    if (!found) throw staleId(id);
    return new LoopConnHandle(id, this.#share());
  }

  async broadcast(data: Sendable): Promise<number> {
    const { taken, error, caughtUp } = broadcastOn(this.#loop, data);
    await caughtUp;
    if (error !== null) throw error;
    return taken;
  }

  async drain(leavesOver: number | null): Promise<void> {
    const { listening } = this.#loop;
    if (leavesOver !== null) await listening.leave();
    else {
      await listening.prepareDrain();
      listening.drain();
    }
    await this.#loop.closeConnections(leavesOver);
    this.#loop.stopTicker();
  }

  force(error: Error | undefined): void {
    this.#loop.abortConnections(error);
  }

  get unfinished(): Unfinished {
    return this.#loop.unfinished;
  }

  close(): Promise<void> {
    this.#loop.close();
    return Promise.resolve();
  }

  closeAtExit(): void {
    this.#loop.close();
  }
}
