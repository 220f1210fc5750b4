import type { GnetError } from '../base/errors.ts';
import { outboundSlabBytes, readHeadroomBytes } from '../base/limits.ts';
import { SpareQueues } from '../buffer/spare-queues.ts';
import type { Slab, SlabPool } from '../buffer/slab.ts';
import type { ICodec } from '../codec/codec.ts';
import { codecFor } from '../codec/codec-for.ts';
import type { DatagramOwner } from '../connection/datagram-owner.ts';
import { EncodeSink } from '../connection/encode-sink.ts';
import type { ConnectionSettings, HandlerCalls, ScheduledDeadline } from '../connection/owner.ts';
import type { ConnectionReceiver, Layer, LayerFactory } from '../connection/layer.ts';
import type { LayerOwner } from '../connection/layer-owner.ts';
import type { Leaks } from '../connection/leaks.ts';
import { layersOf } from '../connection/layers.ts';
import { renewStamps } from '../connection/timeout-clock.ts';
import type { LoopTls } from '../connection/tls/loop-tls.ts';
import { HandlerWatch } from '../connection/handler-watch.ts';
import { ReadWindow } from '../connection/read-window.ts';
import type { LoopStats } from '../connection/server-view.ts';
import { SharedSends } from '../connection/shared-sends.ts';
import type { StreamConnection } from '../connection/stream-connection.ts';
import { takeBack } from '../connection/taking-back.ts';
import type { Backend } from '../driver/backend.ts';
import type {
  AdoptedSocket,
  DatagramPeer,
  Driver,
  DriverEvents,
  Endpoint,
} from '../driver/contract.ts';
import { countPastSleep } from '../driver/counters.ts';
import type { HostedLoop } from '../host/contract.ts';
import type { Logger } from '../logging/logger.ts';
import { RepeatedReports } from '../logging/repeated-reports.ts';
import type { AcceptGate } from './accept-gate.ts';
import { Admission } from './admission.ts';
import { ConnectionTable } from './connection-table.ts';
import type { DatagramPorts } from './datagram-ports.ts';
import { DeadlineWheel, soonest } from './deadline-wheel.ts';
import { type Attempt, Dialer, type DialOutcome } from './dialer.ts';
import type { EventLoopSettings, LoopOwner } from './event-loop-settings.ts';
import { DeadlineClock } from './deadline-clock.ts';
import { LoopEnd, reportWhatIsReady, takeWhatIsThere, type Unfinished } from './loop-end.ts';
import { Listening } from './listening.ts';
import { LoopFace } from './loop-face.ts';
import { LoopCounts } from './loop-counts.ts';
import { LoopDatagrams } from './loop-datagrams.ts';
import { driverSettings } from './driver-settings.ts';
import { DeferredWork } from './deferred-work.ts';
import type { Inbox, LoopPublication } from './mailbox-contract.ts';
import { Ticker } from './ticker.ts';
import { hostedLoop } from './timed-turns.ts';
import { WorkingTime } from './working-time.ts';

/** Read once: the global object has it behind a getter, which Node runs each time. */
const { performance } = globalThis;
/** A limit may pass early by that much: what follows a longer hold-up looks at every connection. */
const heldUpMs = 20;
/** While a loop is never idle, its counters are published that often. */
const turnsPerPublication = 64;
type Peer = DatagramPeer | string;
type SetUp = (connection: StreamConnection) => void;

/**
 * One thread's loop of one server. It owns its driver, its connections and their handler calls;
 * nothing else touches them. One turn, given by the host:
 *
 *  1. `runDue`: deadlines, tick, listeners that have rested;
 *  2. tasks that connections put off (wake, drain, resume, close), then flushes;
 *  3. `wait`: the driver asks the kernel, and each event goes to its connection.
 */
export class EventLoop implements DriverEvents, HostedLoop, LayerOwner, DatagramOwner {
  readonly index: number;
  readonly driver: Driver;
  readonly #watch: HandlerWatch;
  readonly calls: HandlerCalls;
  readonly leaks: Leaks | null;
  readonly settings: ConnectionSettings;
  readonly poisonFrames: boolean;
  readonly readPool: SlabPool;
  readonly codecFor: () => ICodec<unknown>;
  readonly encodeSink: EncodeSink = new EncodeSink();
  readonly readWindow: ReadWindow = new ReadWindow();
  openPromises = 0;
  now = 0;
  /** Open stream connections, as `countConnections` says: less the one whose `onClosed` runs. */
  connectionCount = 0;

  readonly #backend: Backend;
  readonly #layers: LayerFactory | undefined;
  /** For hosts that give turns on demand: something waits, or a deadline came nearer. */
  readonly #requestTurn: (() => void) | undefined;
  readonly #owner: LoopOwner;
  readonly #reports: RepeatedReports;
  readonly listening: Listening;
  readonly #acceptGate: AcceptGate;
  readonly #dialer: Dialer;
  /** TLS here, once there is some: for connections that come, or for those that are dialled. */
  tls: LoopTls | undefined;
  readonly ports: DatagramPorts;
  readonly datagrams: LoopDatagrams;
  readonly #ticker: Ticker | null;
  readonly #end: LoopEnd;
  readonly #table: ConnectionTable;
  readonly #admission: Admission;
  #inbox: Inbox | null = null;
  /** Where other threads see how the loop is doing. */
  publication: LoopPublication | null;
  #unpublished = false;
  readonly wheel: DeadlineWheel;
  readonly #heard: DeadlineClock;
  readonly queues: SpareQueues;
  readonly sharedSends: SharedSends;
  readonly #putOff = new DeferredWork();
  readonly face: LoopFace;
  #hosted: HostedLoop | null = null;
  #closed = false;
  #nowIsStale = false;
  readonly counts: LoopCounts;
  readonly #time: WorkingTime;

  constructor(
    backend: Backend,
    calls: HandlerCalls,
    settings: EventLoopSettings,
    owner: LoopOwner,
    logger: Logger,
  ) {
    this.index = settings.index;
    this.face = new LoopFace(this, settings.shared);
    this.counts = new LoopCounts(settings);
    this.#watch = new HandlerWatch(calls, settings, this.counts.histograms, logger, this);
    this.calls = this.#watch.calls;
    this.leaks = this.#watch.leaks;
    this.settings = settings.connection;
    this.poisonFrames = settings.poisonFrames;
    this.codecFor = codecFor(settings.connection.codec);
    this.#layers = settings.layers ?? layersOf(settings.connection, settings.tls?.layer);
    this.tls = settings.tls;
    this.#backend = backend;
    this.#requestTurn = backend.host.requestTurn?.bind(backend.host);
    this.wheel = new DeadlineWheel(backend.host.now !== undefined);
    this.#owner = owner;
    this.#reports = new RepeatedReports(logger);
    this.#table = new ConnectionTable(settings.firstGeneration ?? 1);
    this.driver = backend.create(this, driverSettings(settings));
    this.#time = new WorkingTime(this.driver.counters, backend.host, settings.publication);
    this.#heard = new DeadlineClock(this.driver.reportsLater === true);
    this.listening = new Listening(this.driver, settings, this.#reports, () => this.currentTime());
    this.#acceptGate = this.listening.acceptGate;
    this.publication = settings.publication ?? null;
    this.#admission = new Admission(this, this.#table, this.#acceptGate);
    this.ports = this.listening.ports;
    this.datagrams = new LoopDatagrams(this, this.ports, this.settings, this.counts);
    this.#dialer = new Dialer(this.driver, this.#table, this.settings.socket, (slot) =>
      this.#admission.dialled(slot),
    );
    const soon = (): void => this.#requestTurn?.();
    this.#end = new LoopEnd(this.driver, this.#table, this.ports, this, soon);
    this.readPool = this.driver.slabPool(readHeadroomBytes + settings.readBufferBytes);
    this.queues = new SpareQueues(this.driver, settings.writeBufferBytes);
    this.sharedSends = new SharedSends(this.driver.slabPool(outboundSlabBytes));
    this.#ticker = settings.ticker ? new Ticker(this.calls, this) : null;
  }

  // -- life, as the server directs it -------------------------------------------------------------

  /** Runs from now on; accepts nothing yet. */
  attach(): void {
    this.#hosted = hostedLoop(this, this.#backend.host, this.counts.histograms);
    this.#backend.host.attach(this.#hosted);
  }
  start(): void {
    this.listening.accept();
    this.attach();
  }
  dial(endpoint: Endpoint, outcome: DialOutcome): Attempt | null {
    return this.#dialer.dial(endpoint, outcome);
  }
  abandonDial(attempt: Attempt): void {
    this.#dialer.abandon(attempt);
  }

  /**
   * Handles what has arrived, then closes every connection; resolves when nothing is left.
   * @param leavesOver as `LoopEnd.begin` has it; null for a stop.
   */
  async closeConnections(leavesOver: number | null = null): Promise<void> {
    this.face.stopDialling();
    await this.driver.prepareUnread?.();
    // What others have put into the mailbox, and what the driver has ready, came before the stop.
    if (this.#inbox !== null) takeWhatIsThere(this.#inbox);
    reportWhatIsReady(this);
    this.datagrams.signalClose();
    const ended = this.#end.begin(this.settings.timeouts.closeTimeout, leavesOver);
    this.#requestTurn?.();
    await ended;
  }

  /** Closes what is still open, at once; a stop that has yet to begin waits for nobody then. */
  abortConnections(error: Error | undefined): void {
    if (!this.#closed) this.#end.force(error);
  }
  /** What that left undone. */
  get unfinished(): Unfinished {
    return this.#end.unfinished;
  }
  stopTicker(): void {
    this.#ticker?.stop();
  }

  /** The end: everything still open is closed, without events. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ticker?.stop();
    this.face.end();
    this.#time.end();
    // The last word, also of a loop whose thread is about to die.
    if (this.#unpublished) this.#publish();
    this.#inbox?.close();
    if (this.#hosted !== null) this.#backend.host.detach(this.#hosted);
    this.#table.disposeLayers();
    this.tls?.dispose();
    this.driver.close();
    // Their streams are gone without events; usually there are none left.
    for (const connection of this.#table.all()) connection.giveUpWaiting();
    this.sharedSends.close();
    this.#reports.close();
    this.#watch.close();
  }

  /** Other threads may ask for something, and see how the loop is doing. */
  share(inbox: Inbox, publication: LoopPublication): void {
    this.#inbox = inbox;
    this.#time.share(publication);
    this.publication = publication;
    // Other threads wake it only once it has said that it sleeps.
    this.#requestTurn?.();
  }

  /** What another thread writes an 8-byte 1 to in order to wake it, or -1: then `wake` is called here. */
  get wakeDescriptor(): number {
    return this.#requestTurn === undefined ? this.driver.wakeDescriptor : -1;
  }
  /** Looks into the mailbox soon. */
  wake(): void {
    if (this.#requestTurn === undefined) this.driver.wake();
    else this.#requestTurn();
  }

  connection(slot: number, generation: number): StreamConnection | null {
    return this.#table.get(slot, generation);
  }
  connections(): StreamConnection[] {
    return this.#table.all();
  }

  stats(): LoopStats {
    return { ...this.counts.stats(this), mailboxBytes: 0, ...this.#time.read() };
  }

  /** Before it may sleep, and now and then while it has no time to. */
  #publish(): void {
    this.#unpublished = false;
    this.publication?.publish(this.counts.stats(this));
  }

  // -- turns, as the host gives them --------------------------------------------------------------

  runDue(): boolean {
    if (this.#closed) return false;
    this.counts.turns++;
    this.#time.works();
    this.#watch.look(this);
    this.#dialer.succeeded = false;
    if (this.#unpublished && this.counts.turns % turnsPerPublication === 0) this.#publish();
    try {
      const asked = this.#inbox?.drain() ?? false;
      const ran = this.#anythingTimed && this.#runTimed();
      let did = this.#putOff.run() || ran || asked;
      // Who has had the goodbye is closing before more is read, which would be answered after it.
      if (this.#end.step() && this.#putOff.run()) did = true;
      if (did) this.#unpublished = true;
      return did;
    } catch (error) {
      this.#owner.loopDied(error);
      return false;
    }
  }

  get #anythingTimed(): boolean {
    return this.wheel.count > 0 || this.#ticker !== null || this.#acceptGate.anyResting;
  }

  #runTimed(): boolean {
    const now = this.currentTime();
    let ran = this.wheel.advance(this.#heard.time);
    if (this.#ticker?.runDue(now)) ran = true;
    return this.#acceptGate.runDue(now) || ran;
  }

  timeUntilDeadline(): number {
    if (this.#unpublished) this.#publish();
    return this.#time.mayRest(this.#untilDeadline());
  }

  #untilDeadline(): number {
    if (this.#inbox?.aboutToSleep()) return 0;
    if (!this.#putOff.isEmpty || this.#end.wantsTurns) return 0;
    if (!this.#anythingTimed) return -1;
    const now = this.currentTime();
    const rested = soonest(this.wheel.timeUntilNext(now), this.#acceptGate.timeUntilNext(now));
    this.#nowIsStale = true; // the host may sleep now, and nobody is held up by that
    return Math.ceil(soonest(rested, this.#ticker?.timeUntilNext(now) ?? -1));
  }

  wait(timeoutMs: number): number {
    if (this.#closed) return 0;
    const timed = this.wheel.count > 0;
    if (timed) this.#heard.asking(this.currentTime());
    this.#time.mayRest(timeoutMs);
    this.#nowIsStale = timed || this.publication !== null; // others see then that it works
    try {
      const events = this.driver.wait(timeoutMs);
      if (events > 0) this.#unpublished = true;
      if (this.#nowIsStale) this.currentTime();
      this.#time.turned(this.counts.turns);
      if (timed) this.#heard.waited(events, this.#table.size);
      return events;
    } catch (error) {
      this.#owner.loopDied(error);
      return 0;
    }
  }

  slept(ms: number): void {
    countPastSleep(this.driver.counters, ms, this.#backend.host.now?.());
  }
  get sleptMs(): number {
    return this.driver.counters.sleptMs;
  }
  get hasPutOff(): boolean {
    return !this.#putOff.isEmpty;
  }
  get hasPromises(): boolean {
    return this.openPromises > 0 || this.#dialer.succeeded;
  }
  watch(descriptor: number): void {
    this.driver.watch(descriptor);
  }
  unwatch(descriptor: number): void {
    this.driver.unwatch(descriptor);
  }
  get pollableDescriptor(): number {
    return this.driver.pollableDescriptor;
  }

  // -- what the driver reports --------------------------------------------------------------------

  accepted(_listener: number, descriptor: number): void {
    if (this.#nowIsStale) this.currentTime();
    this.#admission.accept(descriptor);
  }

  /** See `Admission`. */
  accept(descriptor: number, peer?: Peer): void {
    this.#admission.accept(descriptor, peer);
  }
  adopt(take: () => AdoptedSocket, setUp?: SetUp): StreamConnection {
    return this.#admission.adopt(take, setUp);
  }
  owns(descriptor: number): boolean {
    return this.#admission.owns(descriptor);
  }

  /** A stream is open: its connection begins, or the layer below it. */
  begin(connection: StreamConnection, layers = this.#layers): void {
    if (layers === undefined) connection.opened();
    else this.#table.putUnder(connection, layers).opened();
  }

  putUnder(connection: StreamConnection, make: LayerFactory): Layer {
    return this.#table.putUnder(connection, make);
  }
  replaceLayer(layer: Layer, above: LayerFactory | undefined): ConnectionReceiver {
    return this.#table.replaceLayer(layer, above);
  }
  acceptRested(listener: number, error: GnetError, restMs: number): void {
    this.#acceptGate.rested(listener, error, restMs);
  }

  received(slot: number, generation: number, slab: Slab, start: number, end: number): void {
    if (this.#nowIsStale) this.currentTime();
    if (this.#end.isUnderWay) this.#end.received(slot, end - start);
    this.#table.receiver(slot, generation)?.received(slab, start, end);
  }

  ended(slot: number, generation: number): void {
    if (this.#nowIsStale) this.currentTime();
    this.#table.receiver(slot, generation)?.ended();
  }

  failed(slot: number, generation: number, error: GnetError): void {
    if (this.#nowIsStale) this.currentTime();
    const receiver = this.#table.receiver(slot, generation);
    if (receiver === null) this.#dialer.failed(slot, generation, error);
    else receiver.failed(error);
  }

  writable(slot: number, generation: number): void {
    if (this.#nowIsStale) this.currentTime();
    this.#table.receiver(slot, generation)?.writable();
  }
  refused(slot: number, generation: number, slab: Slab, start: number, end: number): boolean {
    return takeBack(this.#table.get(slot, generation), slab, start, end);
  }

  connected(slot: number, generation: number): void {
    if (this.#nowIsStale) this.currentTime();
    this.#dialer.connected(slot, generation);
  }

  datagram(
    endpoint: number,
    slab: Slab,
    start: number,
    end: number,
    peer: DatagramPeer,
    truncated: boolean,
    local: DatagramPeer | null,
  ): void {
    if (this.#nowIsStale) this.currentTime();
    this.datagrams.came(endpoint, slab, start, end, peer, truncated, local);
  }

  datagramFailed(endpoint: number, peer: DatagramPeer | null, error: GnetError): void {
    this.datagrams.failed(endpoint, peer, error);
  }

  // -- what connections need ----------------------------------------------------------------------

  currentTime(): number {
    this.#time.works();
    const before = this.now;
    this.now = Math.trunc(this.#backend.host.now?.() ?? performance.now() - this.counts.startedAt);
    if (!this.#nowIsStale && this.now - before > heldUpMs) this.#wasHeldUp(before);
    this.#nowIsStale = false;
    return this.now;
  }

  /** A handler blocked, or the process was stopped: what was read since has the time from before. */
  #wasHeldUp(since: number): void {
    if (this.wheel.count === 0) return;
    for (const connection of this.#table.all()) renewStamps(connection, since, this.now);
    this.datagrams.renewStamps(since, this.now);
  }

  scheduleFlush(connection: StreamConnection): void {
    this.#putOff.addFlush(connection);
    this.#requestTurn?.();
  }
  scheduleTasks(of: { runTasks(): void }): void {
    this.#putOff.addTasks(of);
    this.#requestTurn?.();
  }
  scheduleDeadline(deadline: ScheduledDeadline, delayMs: number): void {
    // `now` may be old: without time limits a turn does not read the clock.
    this.wheel.schedule(deadline, this.currentTime(), delayMs);
    this.#requestTurn?.();
  }
  cancelDeadline(deadline: ScheduledDeadline): void {
    this.wheel.cancel(deadline);
  }

  connectionClosing(_connection: StreamConnection): void {
    this.connectionCount--;
    this.publication?.closed(this.connectionCount);
  }
  connectionClosed(connection: StreamConnection): void {
    this.counts.closed++;
    this.#table.release(connection);
    this.#acceptGate.closed(this.#table.size);
    this.#end.look();
  }
  datagramWaits(change: 1 | -1): void {
    this.#end.datagramWaits(change);
  }
  workWaits(change: 1 | -1): void {
    this.#end.workWaits(change);
  }
  tickScheduled(): void {
    this.#requestTurn?.();
  }
  requestShutdown(): void {
    this.#owner.shutdownRequested();
  }
  report(message: string, error: unknown): void {
    this.#reports.report(message, error);
  }
}
