const rtoMaxMs = 60_000;
const rtoFirstMs = 200;

/** How long an answer takes, and so after how long a segment counts as lost (as RFC 6298 has it). */
export class RoundTrip {
  rto: number = rtoFirstMs;
  readonly #rtoMin: number;
  readonly #interval: number;
  #smoothed = 0;
  #variation = 0;

  constructor(rtoMin: number, interval: number) {
    this.#rtoMin = rtoMin;
    this.#interval = interval;
  }

  measured(rtt: number): void {
    if (this.#smoothed === 0) {
      this.#smoothed = Math.max(1, rtt);
      this.#variation = rtt / 2;
    } else {
      const difference = Math.abs(rtt - this.#smoothed);
      this.#variation = (3 * this.#variation + difference) / 4;
      this.#smoothed = Math.max(1, (7 * this.#smoothed + rtt) / 8);
    }
    const rto = this.#smoothed + Math.max(this.#interval, 4 * this.#variation);
    this.rto = Math.min(Math.max(Math.ceil(rto), this.#rtoMin), rtoMaxMs);
  }
}
