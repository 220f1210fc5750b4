import { type Listener, listenFurther, unlistenAddress } from './listen-unlisten.ts';

/**
 * Changes of where a server listens, one after the other: loops number their places. Nothing is loaded for
 * them: a server that runs out of descriptors may want to give an address up.
 */
export class AddressChanges {
  readonly #listener: (action: string) => Listener;
  #last: Promise<unknown> = Promise.resolve();

  /** @param listener throws when the server does not run. */
  constructor(listener: (action: string) => Listener) {
    this.#listener = listener;
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    for (let seen: unknown = null; seen !== this.#last; ) {
      seen = this.#last;
      await seen;
    }
  }

  listen(text: string): Promise<string> {
    return this.#after(() => listenFurther(text, this.#listener('listen on another address')));
  }

  unlisten(address: string): Promise<void> {
    return this.#after(() => unlistenAddress(address, this.#listener('unlisten an address')));
  }

  #after<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#last.then(change);
    this.#last = changed.catch(() => {});
    return changed;
  }
}
