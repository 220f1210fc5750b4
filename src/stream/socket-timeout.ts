/** So many looks a period: a timeout that traffic has put off is late by one of them at most. */
const looks = 4;

/** Whose silence it is. */
export interface Traffic {
  /** There was some since this was last set to false. */
  active: boolean;
  /** Calls `fn` once after `ms`; what it returns calls it off. */
  arm(ms: number, fn: () => void): () => void;
}

/**
 * `setTimeout` of a socket. Traffic sets a flag and reads no clock; a timer looks at the flag. HTTP
 * switches a timeout off and on for every request: that is two stores then, and the timer stays armed.
 */
export class SocketTimeout {
  /** Milliseconds; 0 is off. */
  ms = 0;
  readonly #traffic: Traffic;
  readonly #expired: () => void;
  #callOff: (() => void) | null = null;
  #armedMs = 0;
  /** Looks in a row that saw no traffic, and how many make a timeout. */
  #quiet = 0;
  #quietMax = 1;
  /** It was told: again only after more traffic. */
  #told = false;

  constructor(traffic: Traffic, expired: () => void) {
    this.#traffic = traffic;
    this.#expired = expired;
  }

  set(ms: number): void {
    this.ms = ms;
    this.#told = false;
    if (ms === 0) return;
    if (this.#callOff !== null && this.#armedMs <= ms) {
      this.#traffic.active = true; // counted from the next look on
      return;
    }
    this.#begin(ms);
  }

  /** `arm` has another clock now. */
  rearm(): void {
    if (this.#callOff !== null && this.ms > 0) this.#begin(this.ms);
  }

  clear(): void {
    this.ms = 0;
    this.#callOff?.();
    this.#callOff = null;
  }

  #begin(ms: number): void {
    this.#traffic.active = false;
    this.#quiet = 0;
    this.#quietMax = 1;
    this.#lookIn(ms);
  }

  #lookIn(ms: number): void {
    this.#callOff?.();
    this.#armedMs = ms;
    this.#callOff = this.#traffic.arm(ms, this.#look);
  }

  readonly #look = (): void => {
    this.#callOff = null;
    const { ms } = this;
    if (ms === 0) return;
    if (this.#traffic.active) {
      this.#traffic.active = false;
      this.#told = false;
      this.#quiet = 0;
      this.#quietMax = looks;
    } else if (++this.#quiet >= this.#quietMax && !this.#told) {
      this.#told = true;
      this.#expired();
      if (this.#callOff !== null || this.ms === 0) return;
    }
    this.#lookIn(Math.ceil(this.ms / looks));
  };
}
