/** A client that sends on time, whatever the server does, and counts from when it should have sent. */
import net from 'node:net';

/** Times in milliseconds, as `performance.now` tells them. */
export interface Answer {
  /** When it should have been asked for. */
  readonly due: number;
  /** When it was: this process, too, waits for the CPU. */
  readonly sent: number;
  readonly got: number;
}

export const waited = ({ due, got }: Answer): number => got - due;

export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function latencies(answers: readonly Answer[]): Latencies {
  const times = answers.map(waited).sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** One kept connection; requests in flight are sent again over the next one. */
class Line {
  readonly #port: number;
  readonly #done: (answer: Answer) => void;
  /** The requests in flight, in their order. */
  #asked: Omit<Answer, 'got'>[] = [];
  #socket!: net.Socket;
  #rest = '';
  isOver = false;
  errors = 0;
  /** When the server last ended it with a goodbye. */
  leftAt = 0;

  constructor(port: number, done: (answer: Answer) => void) {
    this.#port = port;
    this.#done = done;
    this.#connect();
  }

  #connect(): void {
    const socket = net.connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    this.#rest = '';
    socket.setNoDelay(true);
    for (const { due } of this.#asked) socket.write(`${due}\n`);
    socket.on('data', (piece) => this.#received(socket, piece.toString('latin1')));
    socket.on('error', () => this.errors++);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      if (socket === this.#socket && !this.isOver) this.#connect();
    });
  }

  #received(socket: net.Socket, piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === 'bye') {
        this.leftAt = performance.now();
        socket.end();
        if (!this.isOver) this.#connect();
        return;
      }
      const asked = this.#asked.shift();
      if (asked !== undefined) this.#done({ ...asked, got: performance.now() });
    }
  }

  send(due: number): void {
    this.#asked.push({ due, sent: performance.now() });
    this.#socket.write(`${due}\n`);
  }

  end(): void {
    this.isOver = true;
    this.#socket.destroy();
  }
}

export class SteadyClient {
  readonly #lines: Line[];
  readonly #timer: NodeJS.Timeout;
  #answers: Answer[] = [];
  #sent = 0;
  readonly #began = performance.now();

  constructor(port: number, connections: number, perSecond: number) {
    this.#lines = Array.from(
      { length: connections },
      () => new Line(port, (answer) => this.#answers.push(answer)),
    );
    const everyMs = 1_000 / perSecond;
    this.#timer = setInterval(() => {
      // Timers come late: what should have been sent meanwhile is sent now, and was due before.
      for (;;) {
        const due = this.#began + this.#sent * everyMs;
        if (due > performance.now()) return;
        this.#lines[this.#sent % connections]?.send(due);
        this.#sent++;
      }
    }, 1);
  }

  /** The answers since the last call. */
  take(): readonly Answer[] {
    const answers = this.#answers;
    this.#answers = [];
    return answers;
  }

  /** When the server last ended a connection with a goodbye. */
  get leftAt(): number {
    return Math.max(...this.#lines.map((line) => line.leftAt));
  }

  get errors(): number {
    return this.#lines.reduce((sum, line) => sum + line.errors, 0);
  }

  end(): void {
    clearInterval(this.#timer);
    for (const line of this.#lines) line.end();
  }
}
