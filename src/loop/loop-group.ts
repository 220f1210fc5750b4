import type { ConnId } from '../connection/conn.ts';
import type { Sendable } from '../connection/prepared.ts';
import type { LoopView } from '../connection/conn.ts';
import type { ListOrder } from '../connection/connection-list.ts';
import type { ConnectionInfo, ConnHandle, LoopStats } from '../connection/server-view.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import type { DatagramOrder } from './datagram-order.ts';
import type { Unfinished } from './loop-end.ts';

/** The event loops of one server, wherever they run. */
export interface LoopGroup {
  /** How many there are. */
  readonly size: number;
  readonly views: readonly LoopView[];
  /** Binds every address; nothing is accepted yet. Returns the real addresses. */
  open(endpoints: readonly Endpoint[]): Promise<readonly string[]>;
  /**
   * Accepts from now on; resolves when every loop runs.
   * @param holds nothing is accepted or received before `accept`.
   */
  start(holds: boolean): Promise<void>;
  accept(): void;
  /**
   * Plays through what a connection needs from its begin to its end, so that it has run once when clients
   * wait for it. Loops of other threads do so by themselves, and are not waited for. Never rejects.
   */
  rehearse(): Promise<void>;
  /**
   * What another process is to be given of each endpoint.
   * @throws ErrUnsupportedOp where one of them cannot be given away.
   */
  sockets(): readonly (readonly GivenSocket[])[];
  /**
   * One more address, of loops that run; its number follows those of `open`. Returns the real address.
   * @throws SyscallError; ErrUnsupportedOp where every loop listens by itself.
   */
  listen(endpoint: Endpoint, holds: boolean): Promise<string>;
  /** Resolves when every loop runs: one that died is replaced; after some seconds in any case. */
  whole(): Promise<void>;
  /** Serves what waits at that address, and closes it. */
  unlisten(index: number): Promise<void>;
  /** A connected socket becomes a connection. @throws ErrUnsupportedOp, SyscallError. */
  adopt(descriptor: number): void;
  /** Whether a descriptor belongs to a connection of one of the loops. */
  owns(descriptor: number): boolean;
  /** Rejects with a `GnetError`. */
  datagrams(order: DatagramOrder): Promise<void>;
  /** Resolves when no loop reads datagrams any more: what comes waits in the kernel. */
  pauseDatagrams(): Promise<void>;
  resumeDatagrams(): void;
  /** Open stream connections. */
  readonly connections: number;
  stats(): LoopStats[];
  /** A list of each loop, by itself. */
  lists(order: ListOrder): Promise<readonly ConnectionInfo[][]>;
  /** What each loop shares with other threads, in the order of the loops. */
  memories(): SharedArrayBuffer[];
  /** The descriptor of the first listener or endpoint, or -1 where it is not known. */
  readonly listenerDescriptor: number;
  duplicateListener(): number;
  /** The caller has duplicated `listenerDescriptor`: the listener is now shared. */
  listenerWasDuplicated(): void;
  /** @throws ErrConnClosed when the id cannot be one of these loops'. */
  conn(id: ConnId): ConnHandle;
  broadcast(data: Sendable): Promise<number>;
  /**
   * Stops accepting, serves what waits, says goodbye; resolves when no connection is left.
   * @param leavesOver another process accepts from now on: what waits in backlogs is for that one, and
   * goodbyes are spread over so many milliseconds. Null: this is a stop.
   */
  drain(leavesOver: number | null): Promise<void>;
  /** Closes what is still open, at once; a loop that does not answer soon is given up. */
  force(error: Error | undefined): void;
  /** What was left undone by that. */
  readonly unfinished: Unfinished;
  /** The end of every loop; resolves when nothing is left of them. */
  close(): Promise<void>;
  /** The process ends: nothing of it may stay behind in the file system. */
  closeAtExit(): void;
}
