/** Sessions that a client may resume, by server: the newest of each, and of so many servers. */
export class SessionStore {
  readonly #capacity: number;
  /** In the order in which they were kept. */
  readonly #sessions = new Map<string, Uint8Array>();

  constructor(capacity = 1_000) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#sessions.size;
  }

  keep(server: string, session: Uint8Array): void {
    this.#sessions.delete(server);
    this.#sessions.set(server, session);
    if (this.#sessions.size <= this.#capacity) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  /**
   * The session of that server, which is not kept any longer: shown twice, it would tell who listens
   * that both connections are of the same client. The new connection brings the next one.
   */
  take(server: string): Uint8Array | undefined {
    const session = this.#sessions.get(server);
    this.#sessions.delete(server);
    return session;
  }
}
