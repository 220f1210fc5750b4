import { closeSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import { ErrUnsupportedOp, type GnetError } from '../../base/errors.ts';
import { nextTurn } from '../../base/next-turn.ts';
import { removeBoundPath } from '../bound-path.ts';
import type { Endpoint, GivenSocket, SocketOptions } from '../contract.ts';
import { addressText } from './address-text.ts';
import { type OpenedServer, openServer } from './open-listener.ts';
import type { Reporter, ReporterOwner } from './reporter.ts';
import { runtimeError } from './runtime-error.ts';

/** Connections reported per listener and wait. */
const acceptBatchMax = 64;
/** What a listener asks for when the system had no room for a connection. */
const restMs = 1_000;

/** An accepted connection that has no stream yet. */
export interface AcceptedSocket {
  readonly socket: Socket;
  readonly kind: 'tcp' | 'unix';
  readonly remoteAddress: string;
  readonly localAddress: string | null;
  /** What it has suffered meanwhile. */
  broken: Error | null;
  /** An error before there is a stream must not end the process. */
  readonly onError: (error: Error) => void;
}

/**
 * One listener. The runtime accepts without being asked and cannot be told to stop, so what the loop
 * does not want yet waits here, as many as the backlog has places; the rest is turned away.
 */
class NodeListener implements Reporter {
  queued = false;
  readonly opened: OpenedServer;
  readonly #owner: ListenerOwner;
  readonly #id: number;
  readonly #backlog: number;
  #waiting: AcceptedSocket[] = [];
  #accepting = false;
  #closed = false;
  #rest: GnetError | null = null;
  /** A given socket that the runtime does not listen on yet. */
  #pending: GivenSocket | undefined;
  /** Connections that came so far. */
  #count = 0;

  constructor(owner: ListenerOwner, id: number, backlog: number, opened: OpenedServer) {
    this.#owner = owner;
    this.#id = id;
    this.#backlog = backlog;
    this.opened = opened;
    this.#pending = opened.given;
    opened.server.on('error', (error) => this.#couldNotAccept(error));
  }

  came(socket: Socket): void {
    this.#count++;
    if (this.#closed || this.#waiting.length >= this.#backlog) {
      socket.destroy();
      return;
    }
    this.#waiting.push(acceptedSocket(socket, this.opened));
    if (this.#accepting) this.#owner.enqueue(this);
  }

  #couldNotAccept(error: Error): void {
    const { address } = this.opened;
    this.#rest = runtimeError(error, 'accept', `accept a connection on ${address}`, address);
    this.#owner.enqueue(this);
  }

  start(): void {
    this.#accepting = true;
    const pending = this.#pending;
    if (pending !== undefined) {
      this.#pending = undefined;
      const { descriptor: fd } = pending;
      this.opened.server.listen({ fd, backlog: this.#backlog, exclusive: true });
    }
    if (this.#waiting.length > 0) this.#owner.enqueue(this);
  }

  pause(): void {
    this.#accepting = false;
  }

  report(): number {
    let count = this.#handOver(acceptBatchMax, false);
    if (this.#accepting && this.#waiting.length > 0) this.#owner.enqueue(this);
    const rest = this.#rest;
    if (rest !== null && this.#accepting) {
      this.#rest = null;
      this.#owner.events.acceptRested(this.#id, rest, restMs);
      count++;
    }
    return count;
  }

  /** `always`: also while it is not accepting. */
  #handOver(max: number, always: boolean): number {
    let count = 0;
    while (count < max && !this.#closed && (this.#accepting || always)) {
      const accepted = this.#waiting.shift();
      if (accepted === undefined) break;
      count++;
      this.#owner.events.accepted(this.#id, this.#owner.keepAccepted(accepted));
    }
    return count;
  }

  /**
   * Resolves when a whole turn of the runtime brought no connection: it accepts at least one per turn
   * while any waits. A flood does not keep it longer than the backlog is long.
   */
  async settle(): Promise<void> {
    const last = this.#count + this.#backlog;
    let before = -1;
    while (before !== this.#count && this.#count < last && !this.#closed) {
      before = this.#count;
      await nextTurn();
      await nextTurn();
    }
  }

  get socket(): GivenSocket {
    const { server, address, boundPath, given } = this.opened;
    const descriptor = this.#pending?.descriptor ?? descriptorOf(server);
    if (descriptor === undefined) {
      throw new ErrUnsupportedOp(
        `cannot give the listener on ${address} to another process: this runtime does not tell its ` +
          'descriptor; use a native driver for that',
        { address },
      );
    }
    // The runtime removes a path that it has bound itself, whoever listens there.
    if (this.opened.kind === 'unix' && boundPath === null && given === undefined) {
      if (!address.startsWith('@')) {
        throw new ErrUnsupportedOp(
          `cannot give the listener on ${address} to another process: the runtime removes the path ` +
            'when it closes it here; use a native driver, or a directory where files can be linked',
          { address },
        );
      }
    }
    return { descriptor, address, shared: given?.shared ?? false, boundPath };
  }

  /** Another process accepts from now on. */
  leave(): void {
    this.#accepting = false;
    this.#handOver(Number.MAX_SAFE_INTEGER, true);
    this.#closed = true;
    this.#closeServer();
  }

  #closeServer(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) this.opened.server.close();
    else closeSync(pending.descriptor);
  }

  drain(): void {
    this.pause();
    this.#handOver(Number.MAX_SAFE_INTEGER, true);
    if (this.#pending === undefined) this.opened.server.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // First the path: a client that still finds it would be refused, not left hanging.
    // A given socket's path is its giver's until something is accepted here.
    const { boundPath } = this.opened;
    if (boundPath !== null && this.#pending === undefined) removeBoundPath(boundPath);
    this.#closeServer();
    for (const { socket } of this.#waiting) socket.destroy();
    this.#waiting = [];
  }
}

/** Not documented, and stable since Node 0.6: the runtime has no other name for it. */
function descriptorOf(server: Server): number | undefined {
  const handle = (server as { _handle?: { fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

/** A connection that the runtime knows, and no stream was opened for yet. */
export function acceptedSocket(
  socket: Socket,
  { kind, address }: Pick<OpenedServer, 'kind' | 'address'>,
): AcceptedSocket {
  const { remoteAddress, remotePort } = socket;
  const reset = kind === 'tcp' && remoteAddress === undefined;
  const accepted: AcceptedSocket = {
    socket,
    kind,
    remoteAddress: reset ? '' : addressText(remoteAddress, remotePort),
    localAddress: kind === 'unix' ? address : null,
    broken: null,
    onError: (error) => {
      accepted.broken = error;
    },
  };
  socket.on('error', accepted.onError);
  return accepted;
}

export interface ListenerOwner extends ReporterOwner {
  /** Keeps a connection until the loop opens a stream for it; returns its number. */
  keepAccepted(accepted: AcceptedSocket): number;
}

export class NodeListeners {
  readonly #owner: ListenerOwner;
  readonly #prepared = new Map<number, NodeListener>();
  readonly #listeners = new Map<number, NodeListener>();
  #closed = false;

  constructor(owner: ListenerOwner) {
    this.#owner = owner;
  }

  async prepare(id: number, endpoint: Endpoint, options: SocketOptions): Promise<void> {
    let listener: NodeListener | null = null;
    const early: Socket[] = [];
    const opened = await openServer(endpoint, options, (socket) => {
      if (listener === null) early.push(socket);
      else listener.came(socket);
    });
    listener = new NodeListener(this.#owner, id, options.backlog, opened);
    for (const socket of early) listener.came(socket);
    if (this.#closed) listener.close();
    else this.#prepared.set(id, listener);
  }

  listen(id: number): void {
    assert(!this.#listeners.has(id), 'a listener is opened once');
    const listener = this.#prepared.get(id);
    if (listener === undefined) {
      throw new ErrUnsupportedOp(
        "cannot listen at once: the runtime's sockets are opened ahead, by prepareListener",
      );
    }
    this.#prepared.delete(id);
    this.#listeners.set(id, listener);
  }

  get(id: number): NodeListener {
    const listener = this.#listeners.get(id);
    assert(listener !== undefined, 'the listener is open');
    return listener;
  }

  close(id: number): void {
    this.#listeners.get(id)?.close();
    this.#listeners.delete(id);
  }

  closeAll(): void {
    this.#closed = true;
    for (const listener of this.#prepared.values()) listener.close();
    this.#prepared.clear();
    for (const id of this.#listeners.keys()) this.close(id);
  }
}
