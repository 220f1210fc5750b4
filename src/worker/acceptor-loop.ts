import { ErrUnsupportedOp, type GnetError } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import { countPastSleep } from '../driver/counters.ts';
import type {
  DatagramPeer,
  Driver,
  DriverEvents,
  Endpoint,
  GivenSocket,
  SocketOptions,
} from '../driver/contract.ts';
import type { HostedLoop } from '../host/contract.ts';
import type { Logger } from '../logging/logger.ts';
import { RepeatedReports } from '../logging/repeated-reports.ts';
import { AcceptGate } from '../loop/accept-gate.ts';
import { listensNowhere } from '../loop/listening.ts';
import type { Addressed, Balancer } from './balancer.ts';
import { control, type LoopMemory, loopState } from '../mailbox/loop-memory.ts';
import { peerWordCount, putPeer } from '../mailbox/peer-encoding.ts';
import { recordKind } from '../mailbox/record.ts';
import { MailboxSender, type Settle } from '../mailbox/sender.ts';

/** While every loop is full, the acceptor looks for room this often. */
const fullRestMs = 5;

export interface AcceptorSettings {
  readonly backend: Backend;
  readonly balancer: Balancer;
  readonly logger: Logger;
  readonly socket: SocketOptions;
  /** Connections that one loop may have. */
  readonly maxConnections: number;
  readonly died: (error: unknown) => void;
}

/** A loop that takes connections. */
interface Target {
  readonly memory: LoopMemory;
  readonly sender: MailboxSender;
}

/** What the acceptor does with a connection that came back. */
interface Acceptor {
  formatPeer(peer: DatagramPeer): string;
  comeBack(connection: AcceptedConnection): void;
}

/** A connection that was accepted, until a loop has taken it. */
class AcceptedConnection implements Settle, Addressed {
  readonly descriptor: number;
  /** Undefined where the driver does not know. */
  readonly peer: DatagramPeer | string | undefined;
  /** The memory of the loop that it is on its way to. */
  givenTo: LoopMemory | null = null;
  readonly #acceptor: Acceptor;

  constructor(acceptor: Acceptor, descriptor: number, peer: DatagramPeer | string | undefined) {
    this.#acceptor = acceptor;
    this.descriptor = descriptor;
    this.peer = peer;
  }

  get remoteAddress(): string {
    const { peer } = this;
    return typeof peer === 'string' ? peer : this.#acceptor.formatPeer(peer ?? noPeer);
  }

  /** The loop has taken it. */
  resolve(): void {}

  /** The loop ended before it took it; or right after, and then it is closed with what that left. */
  reject(): void {
    if (this.givenTo?.hasOpen(this.descriptor) !== true) this.#acceptor.comeBack(this);
  }
}

/**
 * The main thread's part in a server with several loops: it owns the listeners, accepts, and hands
 * each connection to the loop that the balancer picks. It never reads or writes one.
 */
export class AcceptorLoop implements DriverEvents, HostedLoop {
  readonly hasPutOff = false;
  readonly hasPromises = false;
  readonly #settings: AcceptorSettings;
  readonly #driver: Driver;
  readonly #targets: (Target | null)[] = [];
  readonly #homeless: AcceptedConnection[] = [];
  /** The targets that take connections and how many each has, made anew for each one. */
  readonly #alive: Target[] = [];
  readonly #loads: number[] = [];
  /** The address of a connection on its way into a mailbox. */
  readonly #peerWords = new Int32Array(peerWordCount);
  readonly #peerBytes = new Uint8Array(this.#peerWords.buffer);
  readonly #acceptor: Acceptor = {
    formatPeer: (peer) => this.#driver.formatPeer(peer),
    comeBack: (connection) => this.#comeBack(connection),
  };
  readonly #reports: RepeatedReports;
  readonly #acceptGate: AcceptGate;
  /** Numbers of listeners are not used again. */
  #listeners = 0;
  #attached = false;
  #closed = false;
  /** No loop has room: looked at again then; 0 for "there is room". */
  #fullUntil = 0;
  /** The number of the first listener's descriptor: good in every thread. */
  listenerDescriptor = -1;
  #lastOpened = -1;

  constructor(settings: AcceptorSettings) {
    this.#settings = settings;
    // It reads nothing: the smallest memory will do.
    this.#driver = settings.backend.create(this, {
      readBufferBytes: 4_096,
      headroomBytes: 0,
      ledger: {
        opened: (descriptor) => {
          this.#lastOpened = descriptor;
        },
        bits: null,
        released: () => {},
        mapped: () => {},
        unmapping: () => {},
      },
    });
    this.#reports = new RepeatedReports(settings.logger);
    const clock = (): number => performance.now();
    this.#acceptGate = new AcceptGate(this.#driver, Infinity, this.#reports, clock);
  }

  async listen(endpoint: Endpoint): Promise<string> {
    const id = this.#listeners;
    await this.#driver.prepareListener?.(id, endpoint, this.#settings.socket);
    this.#driver.listen(id, endpoint, this.#settings.socket);
    this.#listeners++;
    this.#acceptGate.add(id);
    if (this.#acceptGate.listeners.length === 1) this.listenerDescriptor = this.#lastOpened;
    return this.#driver.listenerAddress(id);
  }

  /** Hands out what waits at a listener, and closes it. */
  async unlisten(id: number): Promise<void> {
    const { listeners } = this.#acceptGate;
    if (!listeners.includes(id)) return;
    await this.#driver.prepareDrain?.(id);
    if (!listeners.includes(id)) return;
    this.#acceptGate.remove(id);
    this.#driver.closeListener(id);
    const [first] = listeners;
    const socket = first === undefined ? undefined : this.#driver.listenerSocket?.(first);
    this.listenerDescriptor = socket?.descriptor ?? -1;
  }

  /** Hands a connection that was opened elsewhere to a loop. @throws ErrUnsupportedOp, SyscallError. */
  adopt(descriptor: number): void {
    const { backend, socket } = this.#settings;
    if (this.#driver.adopt === undefined || backend.handsOver === false) {
      throw new ErrUnsupportedOp(
        `cannot adopt a socket with several loops: the driver ${this.#driver.name} cannot hand it over`,
      );
    }
    const adopted = this.#driver.adopt(descriptor, socket);
    this.#handOver(new AcceptedConnection(this.#acceptor, adopted.descriptor, adopted.peer));
  }

  /**
   * What another process is to be given of a listener; null when it is closed.
   * @throws ErrUnsupportedOp where it cannot.
   */
  socket(listener: number): GivenSocket | null {
    if (!this.#acceptGate.listeners.includes(listener)) return null;
    const socket = this.#driver.listenerSocket?.(listener);
    if (socket !== undefined) return socket;
    throw new ErrUnsupportedOp(
      `cannot give listeners to another process: the driver ${this.#driver.name} cannot`,
    );
  }

  get hasListeners(): boolean {
    return this.#acceptGate.listeners.length > 0;
  }

  duplicateListener(): number {
    const [first] = this.#acceptGate.listeners;
    if (first === undefined) throw listensNowhere();
    return this.#driver.duplicateListener(first);
  }

  /** A listener that others hold must not be shut down for them. */
  markDuplicated(): void {
    // By the driver: the runtime warns of descriptors that it closes in a thread and has not opened.
    this.#driver.closeDescriptor(this.duplicateListener());
  }

  /** @throws SyscallError when the poller takes no more. */
  start(): void {
    if (this.#attached) return;
    this.#attached = true;
    this.#settings.backend.host.attach(this);
    this.#acceptGate.start();
  }

  /**
   * Hands out what waits in the backlog, then refuses.
   * @param leaves another process accepts from now on: what waits is for that one.
   */
  stopAccepting(leaves: boolean): void {
    if (this.#acceptGate.accepting) {
      if (leaves) this.#acceptGate.leave();
      else this.#acceptGate.stop();
    }
    for (const { descriptor } of this.#homeless.splice(0)) this.#driver.closeDescriptor(descriptor);
  }

  /** Resolves when a loop has taken what was handed to it. */
  async handedOver(index: number): Promise<void> {
    await this.#targets[index]?.sender.whenIdle();
  }

  get sleptMs(): number {
    return this.#driver.counters.sleptMs;
  }
  slept(ms: number): void {
    countPastSleep(this.#driver.counters, ms);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Also when it died, and a loop is started or the server stopped afterwards.
    this.#acceptGate.end();
    this.#reports.close();
    this.#fullUntil = 0;
    for (const { descriptor } of this.#homeless.splice(0)) this.#driver.closeDescriptor(descriptor);
    if (this.#attached) this.#settings.backend.host.detach(this);
    this.#driver.close();
  }

  // -- loops --------------------------------------------------------------------------------------

  /** A loop takes connections from now on, perhaps in place of one that died. */
  loopRuns(index: number, memory: LoopMemory): void {
    this.#targets[index] = { memory, sender: new MailboxSender(memory, true) };
    for (const one of this.#homeless.splice(0)) this.#handOver(one);
    if (this.#attached) this.#acceptAll();
  }

  /** A loop is gone; what it has not taken of its mailbox is given to others. */
  loopDied(index: number): void {
    const target = this.#targets[index];
    this.#targets[index] = null;
    void target?.sender.whenIdle();
  }

  #acceptAll(): void {
    this.#fullUntil = 0;
    this.#acceptGate.makeRoom();
  }

  accepted(_listener: number, descriptor: number): void {
    const peer: DatagramPeer = { ...noPeer };
    const path = this.#driver.acceptedPeer?.(descriptor, peer);
    const known = path === undefined ? undefined : (path ?? peer);
    this.#handOver(new AcceptedConnection(this.#acceptor, descriptor, known));
  }

  #handOver(connection: AcceptedConnection): void {
    const target = this.#pick(connection);
    if (target === null) {
      this.#homeless.push(connection);
      this.#rest();
      return;
    }
    const { memory, sender } = target;
    Atomics.add(memory.words, control.handedOver, 1);
    connection.givenTo = memory;
    const { descriptor, peer } = connection;
    if (typeof peer === 'string') {
      sender.post(recordKind.acceptNamed, descriptor, 0, Buffer.from(peer), connection);
    } else {
      putPeer(this.#peerWords, peer ?? noPeer);
      sender.post(recordKind.accept, descriptor, 0, this.#peerBytes, connection);
    }
    if (
      this.#acceptGate.accepting &&
      this.#settings.maxConnections !== Infinity &&
      !this.#hasRoom()
    ) {
      this.#rest();
    }
  }

  #comeBack(connection: AcceptedConnection): void {
    if (this.#acceptGate.accepting) this.#handOver(connection);
    else this.#driver.closeDescriptor(connection.descriptor);
  }

  /** The loop for a connection: the balancer's, or, when that one has no room, the emptiest. */
  #pick(connection: AcceptedConnection): Target | null {
    this.#lookForTargets();
    const alive = this.#alive;
    const loads = this.#loads;
    if (alive.length === 0) return null;
    const { balancer, maxConnections } = this.#settings;
    const picked = balancer.pick(loads, connection);
    if ((loads[picked] as number) < maxConnections) return alive[picked] as Target;
    const least = loads.indexOf(Math.min(...loads));
    const hasRoom = (loads[least] as number) < maxConnections;
    return hasRoom || !this.#acceptGate.accepting ? (alive[least] as Target) : null;
  }

  /** Which loops take connections now, and how many each has. */
  #lookForTargets(): void {
    const alive = this.#alive;
    const loads = this.#loads;
    let count = 0;
    for (const target of this.#targets) {
      if (!takesConnections(target)) continue;
      alive[count] = target;
      loads[count] = target.memory.load;
      count++;
    }
    if (alive.length > count) alive.length = loads.length = count;
  }

  #hasRoom(): boolean {
    const { maxConnections } = this.#settings;
    return this.#targets.some(
      (target) => takesConnections(target) && target.memory.load < maxConnections,
    );
  }

  /** No loop takes connections: they wait in the backlog. */
  #rest(): void {
    if (!this.#acceptGate.accepting) return;
    this.#acceptGate.fill();
    this.#fullUntil = performance.now() + fullRestMs;
    this.#requestTurn();
  }

  /** A deadline has come nearer, outside of a turn perhaps. */
  #requestTurn(): void {
    this.#settings.backend.host.requestTurn?.();
  }

  acceptRested(listener: number, error: GnetError, restMs: number): void {
    this.#acceptGate.rested(listener, error, restMs);
    this.#requestTurn();
  }

  get acceptRests(): number {
    return this.#acceptGate.rests;
  }

  // -- turns, as the host gives them --------------------------------------------------------------

  runDue(): boolean {
    if (this.#fullUntil === 0 && !this.#acceptGate.anyResting) return false;
    try {
      return this.#runTimed(performance.now());
    } catch (error) {
      this.#settings.died(error);
      return false;
    }
  }

  #runTimed(now: number): boolean {
    let ran = this.#acceptGate.runDue(now);
    if (this.#fullUntil !== 0 && this.#fullUntil <= now) {
      this.#fullUntil = now + fullRestMs;
      if (!this.#hasRoom()) return ran;
      for (const one of this.#homeless.splice(0)) this.#handOver(one);
      if (this.#homeless.length === 0 && this.#hasRoom()) this.#acceptAll();
      ran = true;
    }
    return ran;
  }

  timeUntilDeadline(): number {
    const now = performance.now();
    const rested = this.#acceptGate.timeUntilNext(now);
    if (this.#fullUntil === 0) return Math.ceil(rested);
    const room = Math.max(0, this.#fullUntil - now);
    return Math.ceil(rested < 0 ? room : Math.min(rested, room));
  }

  wait(timeoutMs: number): number {
    if (this.#closed) return 0;
    try {
      return this.#driver.wait(timeoutMs);
    } catch (error) {
      this.#settings.died(error);
      return 0;
    }
  }

  watch(descriptor: number): void {
    this.#driver.watch(descriptor);
  }
  unwatch(descriptor: number): void {
    this.#driver.unwatch(descriptor);
  }
  get pollableDescriptor(): number {
    return this.#driver.pollableDescriptor;
  }

  // -- it has no streams and no datagrams ---------------------------------------------------------

  received(): void {}
  ended(): void {}
  failed(): void {}
  writable(): void {}
  connected(): void {}
  datagram(): void {}
  datagramFailed(): void {}
}

/**
 * A thread that dies closes its loop first, and is heard of later: what was given to the loop meanwhile
 * would come back at once, and be given to it again.
 */
function takesConnections(target: Target | null): target is Target {
  return target !== null && target.memory.state === loopState.running;
}

const noPeer: DatagramPeer = {
  family: 0,
  port: 0,
  word0: 0,
  word1: 0,
  word2: 0,
  word3: 0,
  scope: 0,
};
