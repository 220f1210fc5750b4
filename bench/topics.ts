/**
 * From one process to another through NATS, and back: two of ours, whose topics have NATS behind them,
 * beside two programs with nats.js alone. Rounds alternate, with fresh processes on any core.
 *
 *     npm run bench:topics
 *     npm run bench:topics -- --rounds 5 --messages 5000
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasTool } from './harness/command.ts';
import { median } from './harness/statistics.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '2000' },
  },
});
const PARTY = fileURLToPath(new URL('./topics/party.ts', import.meta.url));
const FLAGS = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning', PARTY];
const env = { ...process.env, NODE_ENV: 'production' };
const flavours = ['gnet', 'nats'] as const;
type Flavour = (typeof flavours)[number];

interface RoundTrips {
  readonly p50: number;
  readonly p99: number;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () =>
        resolve(false),
      );
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await sleep(50);
  }
  throw new Error('nats-server did not start');
}

async function measure(flavour: Flavour, url: string): Promise<RoundTrips> {
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  const pong = spawn(process.execPath, [...FLAGS, flavour, 'pong', url], {
    env,
    stdio: [...stdio],
  });
  try {
    return await pingTimes(flavour, url);
  } finally {
    pong.kill();
  }
}

function pingTimes(flavour: Flavour, url: string): Promise<RoundTrips> {
  const args = [...FLAGS, flavour, 'ping', url, values.messages];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, output) => {
      if (error !== null) reject(error);
      else resolve(JSON.parse(output) as RoundTrips);
    });
  });
}

async function main(): Promise<void> {
  if (!hasTool('nats-server')) throw new Error('nats-server is missing (Debian: nats-server)');
  const port = await freePort();
  const nats: ChildProcess = spawn('nats-server', ['-a', '127.0.0.1', '-p', `${port}`], {
    stdio: 'ignore',
  });
  const found: Record<Flavour, RoundTrips[]> = { gnet: [], nats: [] };
  try {
    await untilOpen(port);
    for (let round = 0; round < Number(values.rounds); round++) {
      const order = round % 2 === 0 ? flavours : flavours.toReversed();
      for (const flavour of order) {
        found[flavour].push(await measure(flavour, `nats://127.0.0.1:${port}`));
      }
    }
  } finally {
    nats.kill();
  }
  for (const key of ['p50', 'p99'] as const) {
    const [ours, alone] = flavours.map((flavour) => median(found[flavour].map((one) => one[key])));
    const all = flavours.map((flavour) => found[flavour].map((one) => Math.round(one[key])));
    console.log(
      `${key} of a round trip: gnet/topics ${Math.round(ours as number)} us, nats.js alone ` +
        `${Math.round(alone as number)} us: ${((ours as number) / (alone as number)).toFixed(2)}x  ` +
        JSON.stringify(all),
    );
  }
}

await main();
