/** A client that sends on time, whatever the server does, and counts from when it should have sent. */
import net from 'node:net';

export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One kept connection; requests in flight are sent again over the next one. */
class Line {
  readonly #port: number;
  readonly #done: (ms: number) => void;
  /** When the requests in flight should have been sent, in their order. */
  #due: number[] = [];
  #socket!: net.Socket;
  #rest = '';
  isOver = false;
  errors = 0;

  constructor(port: number, done: (ms: number) => void) {
    this.#port = port;
    this.#done = done;
    this.#connect();
  }

  #connect(): void {
    const socket = net.connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    this.#rest = '';
    socket.setNoDelay(true);
    for (const due of this.#due) socket.write(`${due}\n`);
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
        socket.end();
        if (!this.isOver) this.#connect();
        return;
      }
      const due = this.#due.shift();
      if (due !== undefined) this.#done(performance.now() - due);
    }
  }

  send(due: number): void {
    this.#due.push(due);
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
  #times: number[] = [];
  #sent = 0;
  readonly #began = performance.now();

  constructor(port: number, connections: number, perSecond: number) {
    this.#lines = Array.from(
      { length: connections },
      () => new Line(port, (ms) => this.#times.push(ms)),
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

  /** Of the answers since the last call. */
  take(): Latencies {
    const times = this.#times.sort((a, b) => a - b);
    this.#times = [];
    const at = (share: number): number => times[Math.floor((times.length - 1) * share)] ?? 0;
    return { count: times.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  get errors(): number {
    return this.#lines.reduce((sum, line) => sum + line.errors, 0);
  }

  end(): void {
    clearInterval(this.#timer);
    for (const line of this.#lines) line.end();
  }
}
