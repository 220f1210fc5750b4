/** Says in which loop a connection landed, and does what the first byte of a frame says. */
import { closeSync, existsSync, fstatSync, readFileSync, writeFileSync } from 'node:fs';
import type { Conn, EventHandler, LoopContext, Server } from 'gnet';

/** A file: the first connection of loop 1 keeps its thread for as long as that is there. */
let hold = new URL(import.meta.url).searchParams.get('hold');

class Telling implements EventHandler {
  readonly #context: LoopContext;
  #server: Server | null = null;

  constructor(context: LoopContext) {
    this.#context = context;
    void context.server.then((server) => {
      this.#server = server;
    });
  }

  /** `<loop> <id>\n` */
  onOpened(c: Conn) {
    if (hold !== null && this.#context.loop === 1) holdWhile(hold);
    hold = null;
    return `${this.#context.loop} ${c.id} ${c.remoteAddr}\n`;
  }

  signalClose(c: Conn): void {
    c.asyncWrite('bye');
  }

  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return 'woken';
    const text = frame.toString();
    if (text === 'die') {
      setImmediate(() => {
        throw new Error('killed by a client');
      });
      return null;
    }
    if (text === 'exhaust') return exhaust();
    if (text === 'spin') for (;;);
    if (text === 'cpus') return allowedCpus();
    if (text === 'dup') {
      const descriptor = this.#server?.dupFd() ?? -1;
      const isSocket = fstatSync(descriptor).isSocket();
      closeSync(descriptor);
      return isSocket ? 'duplicated' : 'not a sock';
    }
    if (text === 'addrs') return `${this.#server?.addrs.join(' ')}\n`;
    if (text === 'count') return `${this.#server?.countConnections()}`;
    if (text === 'accepted') return `${this.#server?.stats().loops[1]?.accepted}`.padStart(4);
    if (text.startsWith('to ')) return this.#writeTo(Number(text.slice(3)));
    if (text === 'stop') {
      void this.#server?.stop();
      return null;
    }
    c.context = text;
    return frame;
  }

  /** Writes to a connection of any loop. */
  async #writeTo(id: number): Promise<string> {
    try {
      await this.#server?.conn(id).write(`from loop ${this.#context.loop}`);
      return 'written';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
}

function holdWhile(path: string): void {
  writeFileSync(path, '');
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(path)) Atomics.wait(pause, 0, 0, 1);
}

/** The CPUs that this thread may run on, as the kernel lists them. */
function allowedCpus(): string {
  const status = readFileSync('/proc/thread-self/status', 'latin1');
  return `${/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]}\n`;
}

function exhaust(): never {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(1_000_000).fill(kept.length));
}

export default function makeHandler(context: LoopContext): EventHandler {
  return new Telling(context);
}
