import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chooseBackend } from '../../src/driver/choose-driver.ts';
import { Random } from 'gnet/testing';
import type { Soak, SoakContext } from './contract.ts';

const drivers = ['epoll', 'io_uring', 'node'] as const;
const rounds = 50;
const clientCount = 300;
/** Of these some connect in the last moment: they wait in the backlog when the server stops. */
const lateCount = 30;
const outstandingMax = 4;

interface Setting {
  readonly driver: string;
  readonly loops: number;
  readonly mode: 'sync' | 'async';
}

/** Sends numbered requests, a few at a time, and looks that each is answered once and in order. */
class NumberedClient {
  readonly socket: Socket;
  sent = 0;
  answered = 0;
  /** The last request that the kernel had taken when the server was told to stop. */
  takenBefore = 0;
  fault: string | null = null;
  readonly closed: Promise<unknown>;
  #rest = '';
  #resting = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => this.#receive(text));
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      // Requests sent after the stop may meet a socket that is gone.
      if (this.answered < this.takenBefore) this.fault ??= error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.on('end', () => this.socket.end());
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.answered++;
      if (line.trimEnd() !== `${this.answered} ok`) {
        this.fault ??= `answer ${this.answered} is ${JSON.stringify(line)}`;
      }
    }
    this.send();
  }

  send(): void {
    while (!this.#resting && this.sent - this.answered < outstandingMax && this.socket.writable) {
      this.sent++;
      this.socket.write(`${this.sent}\n`);
    }
  }

  /** Everything written is in the kernel, or does not count. */
  mark(): void {
    if (this.socket.writableLength === 0 && !this.socket.connecting) this.takenBefore = this.sent;
  }

  rest(): void {
    this.#resting = true;
  }
}

async function startServer({ driver, loops, mode }: Setting): Promise<[ChildProcess, number]> {
  const script = fileURLToPath(new URL('./stopping-server.ts', import.meta.url));
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  const server = spawn(process.execPath, [...flags, script, driver, String(loops), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const port = /^listening on .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) return [server, Number(port)];
  }
  throw new Error(`the server of ${driver} did not listen`);
}

interface Counts {
  taken: number;
  answered: number;
  after: number;
}

async function round(setting: Setting, random: Random, counts: Counts): Promise<void> {
  const [server, port] = await startServer(setting);
  const exited = once(server, 'exit');
  try {
    const clients = Array.from({ length: clientCount - lateCount }, () => new NumberedClient(port));
    await Promise.all(clients.map(({ socket }) => once(socket, 'connect')));
    for (const client of clients) client.send();
    await new Promise((resolve) => setTimeout(resolve, 30 + random.below(60)));
    const late = Array.from({ length: lateCount }, () => new NumberedClient(port));
    await Promise.all(late.map(({ socket }) => once(socket, 'connect')));
    for (const client of late) client.send();
    const all = [...clients, ...late];
    for (const client of all) client.mark();
    server.kill('SIGTERM');
    // Half of them go on sending, which must not hold up the stop.
    for (const client of all.filter((_, index) => index % 2 === 0)) client.rest();
    await Promise.all(all.map(({ closed }) => closed));
    const [code] = await exited;
    assert.equal(code, 0, 'the server ends by itself');
    for (const client of all) {
      assert.equal(client.fault, null);
      assert.ok(
        client.answered >= client.takenBefore,
        `${client.takenBefore} requests were taken before the stop, ${client.answered} answered`,
      );
      counts.taken += client.takenBefore;
      counts.answered += client.answered;
      counts.after += client.answered - client.takenBefore;
    }
  } finally {
    server.kill('SIGKILL');
    await exited;
  }
}

async function settingsOf(small: boolean): Promise<Setting[]> {
  const usable: string[] = [];
  for (const driver of drivers) {
    const works = await chooseBackend(driver).then(
      () => true,
      () => false,
    );
    if (works) usable.push(driver);
  }
  const modes = ['sync', 'async'] as const;
  return usable.flatMap((driver) =>
    (small ? [1] : [1, 2]).flatMap((loops) => modes.map((mode) => ({ driver, loops, mode }))),
  );
}

export const stopUnderLoad: Soak = {
  name: 'stop-under-load',
  title: 'servers that are told to stop while 300 clients ask: what was taken before is answered',
  async run(context: SoakContext): Promise<void> {
    const random = new Random(context.seed);
    const settings = await settingsOf(context.small);
    const perSetting = context.small ? 1 : rounds;
    let done = 0;
    for (const setting of settings) {
      const { driver, loops, mode } = setting;
      const name = `${driver}, ${loops} ${loops === 1 ? 'loop' : 'loops'}, ${mode}`;
      const counts: Counts = { taken: 0, answered: 0, after: 0 };
      for (let count = 0; count < perSetting; count++) {
        context.progress(done++ / (settings.length * perSetting), name);
        await round(setting, random, counts);
      }
      context.note(
        `${name}: ${perSetting} stops, ${counts.taken} requests taken before and answered, ` +
          `${counts.after} that came later answered, too`,
      );
    }
  },
};
