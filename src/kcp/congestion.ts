const thresholdFirst = 2;
const thresholdMin = 2;

/** How many segments may be on their way, as the losses say: slow start, then one more a round trip. */
export class Congestion {
  window = 1;
  readonly #segmentBytes: number;
  #threshold = thresholdFirst;
  #credit = 0;

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes;
    this.#credit = segmentBytes;
  }

  /** Something was acknowledged that had not been. */
  acknowledged(remoteWindow: number): void {
    const bytes = this.#segmentBytes;
    if (this.window >= remoteWindow) return;
    if (this.window < this.#threshold) {
      this.window++;
      this.#credit += bytes;
    } else {
      this.#credit = Math.max(this.#credit, bytes);
      this.#credit += (bytes * bytes) / this.#credit + bytes / 16;
      if ((this.window + 1) * bytes <= this.#credit) this.window = Math.ceil(this.#credit / bytes);
    }
    if (this.window > remoteWindow) {
      this.window = remoteWindow;
      this.#credit = remoteWindow * bytes;
    }
  }

  /** Segments were sent again because later ones had arrived. */
  overtaken(inFlight: number, resend: number): void {
    this.#threshold = Math.max(thresholdMin, inFlight >> 1);
    this.window = this.#threshold + resend;
    this.#credit = this.window * this.#segmentBytes;
  }

  /** A segment was sent again because no answer came. */
  timedOut(before: number): void {
    this.#threshold = Math.max(thresholdMin, before >> 1);
    this.window = 1;
    this.#credit = this.#segmentBytes;
  }
}
