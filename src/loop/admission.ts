/** How streams become connections of a loop: each gets a slot, a record and its place in the counts. */
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { LayerOwner } from '../connection/layer-owner.ts';
import { StreamConnection } from '../connection/stream-connection.ts';
import type { AdoptedSocket, DatagramPeer } from '../driver/contract.ts';
import type { AcceptGate } from './accept-gate.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { LoopCounts } from './loop-counts.ts';
import type { LoopPublication } from './mailbox-contract.ts';

type Peer = DatagramPeer | string;
type SetUp = (connection: StreamConnection) => void;

/** The loop whose connections they become. */
interface Admitting extends LayerOwner {
  readonly counts: LoopCounts;
  connectionCount: number;
  /** Where other threads see how many there are. */
  readonly publication: LoopPublication | null;
  begin(connection: StreamConnection): void;
  report(message: string, error: unknown): void;
}

export class Admission {
  readonly #loop: Admitting;
  readonly #table: ConnectionTable;
  readonly #acceptGate: AcceptGate;
  /**
   * Slots by descriptor, once somebody has asked: programs that adopt nothing pay nothing for it. Those
   * that were closed stay, until their number is used again.
   */
  #slots: Map<number, number> | null = null;

  constructor(loop: Admitting, table: ConnectionTable, acceptGate: AcceptGate) {
    this.#loop = loop;
    this.#table = table;
    this.#acceptGate = acceptGate;
  }

  /** One that was accepted; `peer` when another thread did. It is closed where there is no room. */
  accept(descriptor: number, peer?: Peer): void {
    const loop = this.#loop;
    const slot = this.#table.reserve();
    if (slot === -1) {
      loop.driver.closeDescriptor(descriptor);
      loop.report('a connection was dropped', new Error('every slot of the loop is in use'));
      return;
    }
    let connection: StreamConnection;
    try {
      connection = this.#admit(slot);
    } catch (error) {
      this.#table.unreserve(slot);
      loop.driver.closeDescriptor(descriptor);
      loop.report('the codec option gave no codec; a connection was dropped', error);
      return;
    }
    this.#open(connection, descriptor, peer);
    loop.begin(connection);
  }

  /**
   * Makes a connection of a socket that was opened elsewhere. It is taken when nothing can fail any more.
   * @param take what makes it one of the driver's.
   * @throws ErrUnsupportedOp when there is no room, or no codec; what `take` throws. The socket then is
   * as it was.
   */
  adopt(take: () => AdoptedSocket, setUp?: SetUp): StreamConnection {
    const slot = this.#table.reserve();
    if (slot === -1) {
      throw new ErrUnsupportedOp('cannot adopt a socket: every slot of the loop is in use');
    }
    let connection: StreamConnection;
    let adopted: AdoptedSocket;
    try {
      connection = this.#makeForAdoption(slot);
      adopted = take();
    } catch (error) {
      this.#table.unreserve(slot);
      throw error;
    }
    this.#count(connection);
    this.#open(connection, adopted.descriptor, adopted.peer);
    if (setUp === undefined) this.#loop.begin(connection);
    else setUp(connection);
    return connection;
  }

  /** Whether it is the descriptor of one of the connections. */
  owns(descriptor: number): boolean {
    const { driver } = this.#loop;
    this.#slots ??= new Map(this.#table.slots().map((slot) => [driver.descriptorOf(slot), slot]));
    const slot = this.#slots.get(descriptor);
    return (
      slot !== undefined && this.#table.holds(slot) && driver.descriptorOf(slot) === descriptor
    );
  }

  /** One that the driver has connected. @throws what the codec option throws. */
  dialled(slot: number): StreamConnection {
    const connection = this.#admit(slot);
    this.#slots?.set(this.#loop.driver.descriptorOf(slot), slot);
    return connection;
  }

  /** Makes the connection of a slot and counts it. @throws what the codec option throws. */
  #admit(slot: number): StreamConnection {
    const connection = this.#make(slot);
    this.#count(connection);
    return connection;
  }

  #make(slot: number): StreamConnection {
    return new StreamConnection(this.#loop, slot, this.#table.generationOf(slot));
  }

  #makeForAdoption(slot: number): StreamConnection {
    try {
      return this.#make(slot);
    } catch (cause) {
      const message = 'cannot adopt a socket: the codec option gave no codec';
      throw new ErrUnsupportedOp(message, { cause });
    }
  }

  #count(connection: StreamConnection): void {
    const loop = this.#loop;
    loop.counts.accepted++;
    this.#table.set(connection);
    loop.connectionCount++;
    this.#acceptGate.opened(this.#table.size);
    loop.publication?.opened(loop.connectionCount, connection.generation);
  }

  #open({ slot, generation }: StreamConnection, descriptor: number, peer?: Peer): void {
    const { driver, settings, counts } = this.#loop;
    driver.openStream(slot, generation, descriptor, settings.socket, peer);
    this.#slots?.set(descriptor, slot);
    counts.histograms?.accepted(driver, slot);
  }
}
