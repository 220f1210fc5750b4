interface RestingListener {
  readonly listener: number;
  due: number;
}

/** Listeners that could not accept for lack of descriptors or memory, and when they try again. */
export class RestingListeners {
  #resting: RestingListener[] = [];

  get any(): boolean {
    return this.#resting.length > 0;
  }

  add(listener: number, due: number): void {
    this.#resting = [...this.#resting, { listener, due }];
  }

  clear(): void {
    this.#resting = [];
  }

  /** Something was given back: they need not wait any longer. */
  hurry(): void {
    for (const resting of this.#resting) resting.due = 0;
  }

  /** Calls `start` for each whose time has come; true when there was one. */
  runDue(now: number, start: (listener: number) => void): boolean {
    let ran = false;
    for (const resting of this.#resting) {
      if (resting.due > now) continue;
      this.#resting = this.#resting.filter((other) => other !== resting);
      start(resting.listener);
      ran = true;
    }
    return ran;
  }

  /** Milliseconds until the next one, -1 for none. */
  timeUntilNext(now: number): number {
    let next = -1;
    for (const { due } of this.#resting) {
      const ms = Math.max(0, due - now);
      if (next < 0 || ms < next) next = ms;
    }
    return next;
  }
}
