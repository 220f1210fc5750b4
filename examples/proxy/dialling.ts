import type { Conn } from 'gnet';

/** What a client may send before there is a way to the upstream; the rest stays in the kernel. */
const EARLY_BYTES_MAX = 64 * 1024;
/**
 * How long a client that has ended is still dialled for. It may wait for its answer, or be gone:
 * that looks the same until something is sent to it.
 */
const ENDED_GRACE_MS = 2_000;

/**
 * The way to the upstream while it is made. What the client sends is read meanwhile: its end stands
 * behind it, and a client that left must not hold two descriptors until the dial has failed.
 */
export class Dialling {
  readonly #giveUp = new AbortController();
  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  #ended = false;
  #grace: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#giveUp.signal;
  }

  giveUp(): void {
    clearTimeout(this.#grace);
    this.#giveUp.abort();
  }

  /** Copies what came early; false when that is enough for now. */
  keep(bytes: Buffer): boolean {
    this.#early.push(Buffer.from(bytes));
    this.#earlyBytes += bytes.length;
    return this.#earlyBytes < EARLY_BYTES_MAX;
  }

  /** A client that has asked for nothing waits for nothing. */
  clientEnded(): void {
    this.#ended = true;
    if (this.#earlyBytes === 0) this.giveUp();
    else this.#grace = setTimeout(() => this.giveUp(), ENDED_GRACE_MS);
  }

  /** The way is there. Returns whether more may be read from the client. */
  handOver(upstream: Conn): boolean {
    clearTimeout(this.#grace);
    let goesOn = true;
    for (const bytes of this.#early) goesOn = upstream.asyncWrite(bytes);
    if (this.#ended) upstream.end();
    return goesOn;
  }
}
