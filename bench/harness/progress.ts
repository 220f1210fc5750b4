/** Says what is being measured: one line that updates on a terminal, plain lines elsewhere. */

export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #steps: number;
  readonly #startedAt = Date.now();
  #done = 0;

  constructor(stream: NodeJS.WriteStream, steps: number) {
    this.#stream = stream;
    this.#steps = steps;
  }

  /** Call before each step. */
  step(label: string): void {
    const text = `[${this.#done + 1}/${this.#steps}] ${label}${this.#timeLeft()}`;
    this.#done += 1;
    if (!this.#stream.isTTY) {
      this.#stream.write(`${text}\n`);
      return;
    }
    // A line that wraps cannot be replaced by going back to its start.
    const width = this.#stream.columns || 80;
    this.#stream.write(`\r\x1b[2K${text.slice(0, width - 1)}`);
  }

  /** Something to keep on the screen, such as a failure. */
  note(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K');
  }

  #timeLeft(): string {
    if (this.#done === 0) return '';
    const left = ((Date.now() - this.#startedAt) / this.#done) * (this.#steps - this.#done);
    const seconds = Math.round(left / 1000);
    return seconds < 90 ? `, ${seconds} s left` : `, ${Math.round(seconds / 60)} min left`;
  }
}
