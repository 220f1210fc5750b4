import { Duplex } from 'node:stream';

/** Who carries the bytes of a wire. */
export interface WireOwner {
  /** Sends these; calls `done` when the transport below has them. */
  carry(bytes: Buffer, done: () => void): void;
  /** Everything was carried, and nothing follows. */
  wireEnded(): void;
}

/** What `node:tls` takes for its socket: ciphertext both ways. */
export class Wire extends Duplex {
  readonly #owner: WireOwner;

  constructor(owner: WireOwner) {
    super({ allowHalfOpen: true });
    this.#owner = owner;
  }

  /** What comes is pushed when it comes. */
  override _read(): void {}

  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    this.#owner.carry(bytes, done);
  }

  /** Several records leave in one call. */
  override _writev(pieces: { readonly chunk: Buffer }[], done: () => void): void {
    this.#owner.carry(Buffer.concat(pieces.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#owner.wireEnded();
    done();
  }

  override _destroy(_error: Error | null, done: (error: Error | null) => void): void {
    done(null);
  }
}
