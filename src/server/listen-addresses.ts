import type { Endpoint, GivenSocket } from '../driver/contract.ts';
import type { OwnAddress } from './own-addresses.ts';

/** One address of a server. */
interface Place extends OwnAddress {
  /** As the program gave it. */
  readonly text: string;
  /** Those of one text belong together. */
  readonly list: number;
  isClosed: boolean;
}

/** Where a server listens, in the order of its loops' endpoints; places that were closed keep theirs. */
export class ListenAddresses {
  readonly #all: Place[] = [];
  #lists = 0;

  /** What one text means. Returns the numbers of that. */
  add(text: string, found: readonly OwnAddress[]): number[] {
    const list = this.#lists++;
    return found.map(({ endpoint, address }) => {
      this.#all.push({ text, list, endpoint, address, isClosed: false });
      return this.#all.length - 1;
    });
  }

  get #open(): Place[] {
    return this.#all.filter(({ isClosed }) => !isClosed);
  }

  /** What is listened on, also where a text has several. */
  get own(): readonly OwnAddress[] {
    return this.#open;
  }

  get addresses(): string[] {
    return this.#open.map(({ address }) => address);
  }

  get texts(): string[] {
    return [...new Map(this.#open.map(({ list, text }) => [list, text])).values()];
  }

  /** The numbers of what a text, or a real address with or without its scheme, means here. */
  find(address: string): number[] {
    const [, scheme = '', bare = ''] = /^([a-z0-9]+):\/\/(.*)$/.exec(address) ?? [];
    const wanted = scheme === 'tls' ? 'tcp' : scheme;
    return [...this.#all.keys()].filter((at) => {
      const place = this.#all[at] as Place;
      if (place.isClosed) return false;
      if (place.text === address || place.address === address) return true;
      return wanted.startsWith(place.endpoint.kind) && place.address === bare;
    });
  }

  /** Returns what it was. */
  close(at: number): Endpoint {
    const place = this.#all[at] as Place;
    place.isClosed = true;
    return place.endpoint;
  }

  /** Per text, what another process is to be given. */
  withSockets(
    sockets: readonly (readonly GivenSocket[])[],
  ): { readonly text: string; readonly endpoints: readonly Endpoint[] }[] {
    const lists = new Map<number, { readonly text: string; readonly endpoints: Endpoint[] }>();
    for (const [at, { text, list, endpoint, isClosed }] of this.#all.entries()) {
      if (isClosed) continue;
      const found = lists.get(list) ?? { text, endpoints: [] };
      found.endpoints.push({ ...endpoint, given: sockets[at] ?? [] });
      lists.set(list, found);
    }
    return [...lists.values()];
  }
}
