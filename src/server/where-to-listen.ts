/** Where a server listens: what was looked up, what it inherits, and what its process was given. */
import { closeSync, openSync } from 'node:fs';
import { ErrInvalidNetworkAddress } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import {
  type GivenAddress,
  type ParsedAddress,
  parseListenAddress,
  resolveAddress,
} from './addresses.ts';
import { releaseGiven, resolveGiven } from './given-addresses.ts';
import { type OwnAddress, refuseOwn } from './own-addresses.ts';
import { inheritedSockets, type HeldServer, type Taken } from './restart/inherited-sockets.ts';

const standardError = 2;

function isGiven(address: ParsedAddress | GivenAddress): address is GivenAddress {
  return address.network === 'fd' || address.network === 'systemd';
}

/** The addresses of one call of `serve`. */
export class WhereToListen {
  readonly parsed: readonly (ParsedAddress | GivenAddress)[];
  endpoints: readonly Endpoint[] = [];
  /** Which address each endpoint is of. */
  textOf: readonly number[] = [];
  readonly #inherited: readonly (Taken | undefined)[];
  #lookedUp: readonly (Endpoint | undefined)[] = [];
  /** Of what it was given. */
  readonly #claim = Symbol('the claim of a server');

  /** @throws ErrInvalidNetworkAddress, ErrUnsupportedProtocol. */
  constructor(texts: readonly string[]) {
    if (texts.length === 0) {
      throw new ErrInvalidNetworkAddress(
        "cannot serve on no address: give at least one, as 'tcp://:0'",
      );
    }
    this.parsed = texts.map(parseListenAddress);
    this.#inherited = texts.map((text) => inheritedSockets?.take(text));
  }

  /** What the process before hands over. */
  get #taken(): Taken[] {
    return this.#inherited.filter((one) => one !== undefined);
  }

  /** The process before accepts here until it is told that this one can. */
  get holds(): boolean {
    return this.#taken.length > 0 && inheritedSockets?.isAlone === false;
  }

  /** @throws ErrInvalidNetworkAddress for a name that is not known. */
  async lookUp(): Promise<void> {
    this.#lookedUp = await Promise.all(
      this.parsed.map(async (one, at) =>
        this.#inherited[at] !== undefined || isGiven(one) ? undefined : resolveAddress(one),
      ),
    );
  }

  /**
   * @param own what the server listens on already.
   * @throws ErrInvalidNetworkAddress for what was given and cannot be listened on; SyscallError
   * EADDRINUSE for one address twice.
   */
  complete(backend: Backend, own: readonly OwnAddress[] = []): void {
    inheritedSockets?.canPutError((descriptor) => putStandardError(backend, descriptor));
    const perText = this.parsed.map((address, at): readonly Endpoint[] => {
      const inherited = this.#inherited[at];
      if (inherited !== undefined) return inherited.endpoints;
      if (isGiven(address)) return resolveGiven(address, backend, this.#claim);
      return [this.#lookedUp[at] as Endpoint];
    });
    this.endpoints = perText.flat();
    this.textOf = perText.flatMap((endpoints, at) => endpoints.map(() => at));
    refuseOwn(this.endpoints, own);
  }

  /** The server is over, and has closed what it was given. */
  ended(): void {
    releaseGiven(this.#claim);
  }

  /** The server runs, and takes over when the previous process leaves. */
  hold(server: HeldServer): void {
    const taken = this.#taken;
    if (inheritedSockets === null) server.takenOver();
    else if (taken.length > 0) inheritedSockets.hold(server, taken);
    else inheritedSockets.wait(server);
  }

  /** Nobody listens: what was given and is open still is free, and the process before is to hear why. */
  failed(error: unknown): void {
    releaseGiven(this.#claim);
    if (this.#taken.length > 0) inheritedSockets?.failed(error);
  }
}

/** The process before, which a server takes over from; 0 for none. */
export function predecessor(): number {
  return inheritedSockets?.pid ?? 0;
}

/** Until a process has taken over, its standard error is a pipe to the previous one. */
function putStandardError({ native }: Backend, descriptor: number): void {
  if (native !== undefined) {
    native.duplicateOnto(descriptor, standardError);
    native.closeDescriptor(descriptor);
    return;
  }
  try {
    // The lowest number that is free is taken.
    const again = openSync(`/dev/fd/${descriptor}`, 'a');
    closeSync(standardError);
    openSync(`/dev/fd/${again}`, 'a');
    closeSync(again);
  } catch {
    // A socket, as of a journal, cannot be opened again: what is written there is lost.
    process.stderr.on('error', () => {});
  }
}
