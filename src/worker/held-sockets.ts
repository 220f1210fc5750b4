import type { Backend } from '../driver/backend.ts';
import type { GivenSocket } from '../driver/contract.ts';
import type { RemoteLoop } from './remote-loop.ts';

/** A datagram socket of a loop, and a duplicate of it that outlives the thread. */
interface HeldSocket {
  /** Which address of the server it is of. */
  readonly at: number;
  readonly duplicate: number;
  /** As the thread has it; another one after each death. */
  socket: GivenSocket;
}

/**
 * Keeps the datagram sockets of loops open when their threads die, for those that take over. The kernel
 * deals datagrams out by the place of a socket among all that are bound to an address: were one closed and
 * another opened, peers of healthy loops would move to others, too.
 */
export class HeldSockets {
  readonly #native: NonNullable<Backend['native']>;
  readonly #describe: Backend['describeSocket'];
  /** By loop. */
  readonly #held = new Map<number, HeldSocket[]>();

  constructor(native: NonNullable<Backend['native']>, describe: Backend['describeSocket']) {
    this.#native = native;
    this.#describe = describe;
  }

  /** The loop has said what it has open; `isDatagrams` tells addresses of streams, and what is closed. */
  hold(loop: RemoteLoop, isDatagrams: (at: number) => boolean): void {
    if (typeof loop.sockets === 'string' || loop.thread === null) return;
    const held = this.#held.get(loop.index) ?? [];
    for (const [place, socket] of loop.sockets.entries()) {
      const at = loop.socketsOf[place] as number;
      if (socket === null || !isDatagrams(at)) continue;
      const { descriptor } = socket;
      if (held.some((one) => one.at === at && one.socket.descriptor === descriptor)) continue;
      const duplicate = this.#duplicate(socket);
      if (duplicate !== -1) held.push({ at, duplicate, socket });
    }
    this.#held.set(loop.index, held);
  }

  /** -1 where that is not possible: the socket goes with its thread then. */
  #duplicate(socket: GivenSocket): number {
    let duplicate = -1;
    try {
      duplicate = this.#native.duplicateDescriptor(socket.descriptor);
      // The thread may be dead already, and its number somebody else's.
      const isIt = this.#describe?.(duplicate).address === socket.address;
      if (isIt) return duplicate;
    } catch {
      // EMFILE, EBADF, ENOTSOCK
    }
    if (duplicate !== -1) this.#native.closeDescriptor(duplicate);
    return -1;
  }

  /** For the thread that takes over: the descriptors are its own, and stand in its memory, from now on. */
  give(
    loop: RemoteLoop,
    isDatagrams: (at: number) => boolean,
  ): { readonly at: number; readonly socket: GivenSocket }[] {
    const all = this.#held.get(loop.index) ?? [];
    const given: HeldSocket[] = [];
    for (const held of all.filter(({ at }) => isDatagrams(at))) {
      try {
        const descriptor = this.#native.duplicateDescriptor(held.duplicate);
        loop.memory.opened(descriptor);
        held.socket = { ...held.socket, descriptor };
        given.push(held);
      } catch {
        // EMFILE: it opens another one.
        this.#native.closeDescriptor(held.duplicate);
      }
    }
    // What is being closed is still to be closed here.
    this.#held.set(loop.index, [...given, ...all.filter(({ at }) => !isDatagrams(at))]);
    return given;
  }

  /** Of one address, or all of them: -1. */
  close(at: number): void {
    for (const [index, all] of this.#held) {
      const closing = all.filter((one) => at === -1 || one.at === at);
      for (const { duplicate } of closing) this.#native.closeDescriptor(duplicate);
      this.#held.set(
        index,
        all.filter((one) => !closing.includes(one)),
      );
    }
  }
}

/** Null where no peer belongs to a loop, or sockets cannot be kept. */
export function heldSockets(of: {
  readonly backend: Backend;
  readonly settings: { readonly connection: { readonly udpSessions?: unknown } };
}): HeldSockets | null {
  const { native, describeSocket } = of.backend;
  if (native === undefined || of.settings.connection.udpSessions === undefined) return null;
  return new HeldSockets(native, describeSocket);
}
