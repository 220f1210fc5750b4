/** So many looks a period: a timeout that traffic has put off is late by one of them at most. */
const looksWanted = 4;

/** Milliseconds from one look to the next. */
function lookMs(ms: number): number {
  return Math.ceil(ms / looksWanted);
}

/** Whose silence it is. */
export interface Traffic {
  /** There was some. */
  active: boolean;
  /** Whether there was some since the last call. */
  moved(): boolean;
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
  /** Looks in a row that saw no traffic. */
  #quiet = 0;
  /** It was told: again only after more traffic. */
  #told = false;
  #isOver = false;

  constructor(traffic: Traffic, expired: () => void) {
    this.#traffic = traffic;
    this.#expired = expired;
  }

  set(ms: number): void {
    this.ms = ms;
    this.#told = false;
    if (ms === 0 || this.#isOver) return;
    if (this.#callOff !== null && this.#armedMs <= lookMs(ms)) {
      this.#traffic.active = true; // counted from the next look on
      return;
    }
    this.#begin();
  }

  /** `arm` has another clock now. */
  rearm(): void {
    if (this.#callOff !== null && this.ms > 0) this.#begin();
  }

  /** The socket is gone; its next life takes `ms` along. */
  clear(): void {
    this.#isOver = true;
    this.#callOff?.();
    this.#callOff = null;
  }

  #begin(): void {
    this.#traffic.moved();
    this.#quiet = 0;
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#callOff?.();
    this.#armedMs = lookMs(this.ms);
    this.#callOff = this.#traffic.arm(this.#armedMs, this.#look);
  }

  readonly #look = (): void => {
    this.#callOff = null;
    if (this.ms === 0 || this.#isOver) return;
    if (this.#traffic.moved()) {
      this.#told = false;
      this.#quiet = 0;
    } else if (++this.#quiet * this.#armedMs >= this.ms && !this.#told) {
      this.#told = true;
      this.#expired();
      if (this.#callOff !== null || this.ms === 0 || this.#isOver) return;
    }
    this.#lookAgain();
  };
}
