/**
 * The pause of a restart, as clients see it: 1,000 requests a second over 50 kept connections, for some
 * seconds without a restart and for as long with one, in one run.
 *
 *     npm run bench:restart
 *     npm run bench:restart -- --seconds 10 --rounds 5
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Latencies, SteadyClient } from './restart/steady-client.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
  },
});
const windowMs = Number(values.seconds) * 1_000;
const rounds = Number(values.rounds);

interface Peer {
  readonly name: string;
  readonly program: string;
  readonly driver?: string;
}

const peers: readonly Peer[] = [
  { name: 'gnet, epoll', program: 'gnet-server.ts', driver: 'epoll' },
  { name: 'gnet, io_uring', program: 'gnet-server.ts', driver: 'io_uring' },
  { name: 'gnet, node', program: 'gnet-server.ts', driver: 'node' },
  { name: 'node:cluster', program: 'cluster-server.ts' },
];

/** A server, and the process of it that serves now. */
class Server {
  readonly #child: ChildProcess;
  #output = '';

  constructor({ program, driver }: Peer) {
    const script = fileURLToPath(new URL(`restart/${program}`, import.meta.url));
    const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
    this.#child = spawn(process.execPath, [...flags, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...(driver !== undefined && { GNET_DRIVER: driver }) },
    });
    this.#child.stdout?.on('data', (piece: Buffer) => {
      this.#output += piece.toString();
    });
  }

  get #lines(): string[] {
    return this.#output.match(/^up \d+ .*$/gm) ?? [];
  }

  async up(count: number): Promise<number> {
    while (this.#lines.length < count) await sleep(10);
    return Number(this.#lines.at(-1)?.split(':').at(-1));
  }

  restart(isGnet: boolean): void {
    const pid = isGnet ? Number(this.#lines.at(-1)?.split(' ')[1]) : (this.#child.pid ?? 0);
    process.kill(pid, 'SIGUSR2');
  }

  end(): void {
    for (const line of this.#lines) {
      try {
        process.kill(Number(line.split(' ')[1]), 'SIGKILL');
      } catch {
        // Gone: it has been replaced.
      }
    }
    this.#child.kill('SIGKILL');
  }
}

interface Measured {
  readonly without: Latencies;
  readonly during: Latencies;
  readonly errors: number;
}

async function measure(peer: Peer): Promise<Measured> {
  const server = new Server(peer);
  const port = await server.up(1);
  const client = new SteadyClient(port, 50, 1_000);
  await sleep(1_000);
  client.take();
  await sleep(windowMs);
  const without = client.take();
  server.restart(peer.driver !== undefined);
  await sleep(windowMs);
  await server.up(2);
  const during = client.take();
  client.end();
  server.end();
  return { without, during, errors: client.errors };
}

const round = (ms: number): string => ms.toFixed(2).padStart(9);
console.log(`milliseconds; ${rounds} rounds of 2 x ${values.seconds} s, 1,000 requests a second`);
console.log(
  '                     p50      p99      max |      p50      p99      max |    p99 ratio',
);
for (const peer of peers) {
  for (let count = 0; count < rounds; count++) {
    const { without, during, errors } = await measure(peer);
    const columns = [without, during].map(({ p50, p99, max }) =>
      [p50, p99, max].map(round).join(''),
    );
    const ratio = (during.p99 / without.p99).toFixed(2);
    const failed = errors === 0 ? '' : `   ${errors} errors`;
    console.log(`${peer.name.padEnd(15)}${columns.join(' |')} | ${ratio.padStart(8)}${failed}`);
  }
}
