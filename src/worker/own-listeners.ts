import { ErrLoopsDied } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import { endpointsOfLoop, withoutGiven } from '../driver/given-sockets.ts';
import { unpackError } from './error-transfer.ts';
import type { ListeningChange } from './messages.ts';
import type { HeldSockets } from './held-sockets.ts';
import type { RemoteLoop } from './remote-loop.ts';
import { addSocketsOf, requireNative, withPort } from './listener-checks.ts';

/** In `RemoteLoop.socketsOf`: what was listened on there is closed. */
const closedPlace = -1;

/** A loop that is back later than this is not waited for: the sockets of the others go without it. */
const replacedMs = 5_000;

/** One address that every loop listens on. */
interface OwnEndpoint {
  /** With its real port, once a loop has bound it. */
  endpoint: Endpoint;
  /** Its number among the addresses of the server. */
  readonly at: number;
}

/**
 * What every loop of a server listens on by itself: datagrams, and with `reusePort`, or where
 * connections cannot be handed over, everything. All of them bind the same addresses; a loop that takes
 * over from a dead one gets those of that moment.
 */
export class OwnListeners {
  readonly #server: number;
  readonly #loops: readonly RemoteLoop[];
  readonly #reusePort: boolean;
  /** Null: no peer belongs to a loop, and those of a dead one go to the others until it is back. */
  readonly #held: HeldSockets | null;
  #list: OwnEndpoint[] = [];
  #settleBound!: () => void;
  /** The first loop has bound: ports are known. Or the server is over. */
  readonly bound: Promise<void>;

  constructor(
    server: number,
    loops: readonly RemoteLoop[],
    reusePort: boolean,
    held: HeldSockets | null,
  ) {
    this.#held = held;
    this.#server = server;
    this.#loops = loops;
    this.#reusePort = reusePort;
    this.bound = new Promise((resolve) => {
      this.#settleBound = resolve;
    });
  }

  /** To be bound by loop 0 first. */
  want(endpoint: Endpoint, at: number): void {
    this.#list.push({ endpoint, at });
  }

  /** Loop 0 has bound all of it. */
  boundAt(addresses: readonly string[]): void {
    for (const [index, own] of this.#list.entries()) {
      own.endpoint = withPort(own.endpoint, addresses[index]);
    }
    this.#settleBound();
  }

  /** There will be no ports: ends all waits for them. */
  giveUp(): void {
    this.#list = [];
    this.#held?.close(-1);
    this.#settleBound();
  }

  /** A loop has said what it has open. */
  hold(loop: RemoteLoop): void {
    this.#held?.hold(loop, this.#isDatagrams);
  }

  readonly #isDatagrams = (at: number): boolean => this.#datagramsAt(at) !== undefined;

  #datagramsAt(at: number): Endpoint | undefined {
    return this.#list.find((own) => own.at === at && own.endpoint.kind === 'udp')?.endpoint;
  }

  /**
   * What a loop is to open, and remembers of which address of the server each of that is.
   * @param again sockets that it was given died with its predecessor, unless they are held: it opens
   * others.
   */
  orderFor(loop: RemoteLoop, again: boolean): Endpoint[] {
    const wanted = this.#list.map(({ endpoint }) => (again ? withoutGiven(endpoint) : endpoint));
    const own = endpointsOfLoop(wanted, loop.index, this.#loops.length, this.#reusePort);
    const order = own.map(({ of, endpoint }) => ({
      at: (this.#list[of] as OwnEndpoint).at,
      endpoint,
    }));
    if (again) this.#giveHeld(loop, order);
    loop.socketsOf = order.map(({ at }) => at);
    return order.map(({ endpoint }) => endpoint);
  }

  #giveHeld(loop: RemoteLoop, order: OwnEndpoint[]): void {
    for (const { at, socket } of this.#held?.give(loop, this.#isDatagrams) ?? []) {
      const bare = order.find((own) => own.at === at && own.endpoint.given === undefined);
      const given = { ...withoutGiven(this.#datagramsAt(at) as Endpoint), given: [socket] };
      if (bare === undefined) order.push({ at, endpoint: given });
      else bare.endpoint = given;
    }
  }

  /** Of the first loop that runs and listens; -1 for none. */
  get descriptor(): number {
    return this.#listening[0]?.listenerDescriptor ?? -1;
  }

  get #listening(): RemoteLoop[] {
    return this.#loops.filter((loop) => loop.listenerDescriptor !== -1);
  }

  /** A duplicate of that. @throws ErrUnsupportedOp where there are none; ErrLoopsDied. */
  duplicate(backend: Backend): number {
    const native = requireNative(backend);
    const { descriptor } = this;
    if (descriptor === -1) {
      throw new ErrLoopsDied(
        'cannot duplicate the listener: no loop of the server listens at the moment; try it again later',
      );
    }
    const duplicate = native.duplicateDescriptor(descriptor);
    this.markDuplicated();
    return duplicate;
  }

  /** Somebody else holds one of them; a thread may have had its number for a while. */
  markDuplicated(): void {
    for (const loop of this.#listening) loop.post({ type: 'duplicated', server: this.#server });
  }

  /** Resolves when no loop is being replaced, or it takes too long. */
  async whole(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, replacedMs).unref();
    });
    await Promise.race([late, Promise.all(this.#loops.map(({ started }) => started))]);
    clearTimeout(timer);
  }

  /** Adds the sockets of every loop to the lists of their addresses. @throws ErrUnsupportedOp. */
  addSockets(lists: readonly GivenSocket[][]): void {
    addSocketsOf(this.#loops, lists);
  }

  /**
   * One more address, of loops that run. Returns the real one.
   * @throws what a loop could not do, with the address closed in all of them; ErrLoopsDied.
   */
  async listen(wanted: Endpoint, at: number, holds: boolean): Promise<string> {
    const { first, address } = await this.#listenFirst(wanted, at, holds);
    const endpoint = withPort(wanted, address);
    this.#list.push({ endpoint, at });
    // A loop that replaces one that is dead by now gets the address from the list.
    const others = this.#loops.filter((loop) => loop !== first && !loop.socketsOf.includes(at));
    const outcomes = await Promise.allSettled(
      others.map((loop) => this.#listenIn(loop, endpoint, at, holds)),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    for (const loop of this.#loops) this.hold(loop);
    if (failed === undefined) return address;
    await this.unlisten(at);
    throw failed.reason;
  }

  /** One of them chooses the port. */
  async #listenFirst(
    endpoint: Endpoint,
    at: number,
    holds: boolean,
  ): Promise<{ readonly first: RemoteLoop; readonly address: string }> {
    for (const first of this.#loops) {
      const address = await this.#listenIn(first, endpoint, at, holds);
      if (address !== undefined) return { first, address };
    }
    throw new ErrLoopsDied(
      'cannot listen there: no loop of the server runs at the moment; try it again later',
    );
  }

  /** Undefined when the loop is dead, or dies. */
  async #listenIn(
    loop: RemoteLoop,
    endpoint: Endpoint,
    at: number,
    holds: boolean,
  ): Promise<string | undefined> {
    const { length } = this.#loops;
    const own = endpointsOfLoop([endpoint], loop.index, length, this.#reusePort);
    const endpoints = own.map((one) => one.endpoint);
    const changed = await this.#change(loop, { close: [], open: endpoints, holds });
    if (changed === null) return undefined;
    loop.socketsOf = [...loop.socketsOf, ...changed.addresses.map(() => at)];
    if (changed.error !== null) throw unpackError(changed.error);
    return changed.addresses[0];
  }

  /** Serves what waits there, in every loop, and closes it. */
  async unlisten(at: number): Promise<void> {
    this.#list = this.#list.filter((own) => own.at !== at);
    await Promise.all(
      this.#loops.map((loop) => {
        const close = [...loop.socketsOf.keys()].filter((place) => loop.socketsOf[place] === at);
        loop.socketsOf = loop.socketsOf.map((of) => (of === at ? closedPlace : of));
        return close.length === 0 ? null : this.#change(loop, { close, open: [], holds: false });
      }),
    );
    this.#held?.close(at);
  }

  #change(loop: RemoteLoop, change: ListeningChange): ReturnType<RemoteLoop['change']> {
    return loop.change({ type: 'change', server: this.#server, change });
  }
}
