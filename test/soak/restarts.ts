import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeFamily } from '../../testing/certificates.ts';
import { assertOnlyListeners, socketsOf } from '../restart/left-behind.ts';
import { RestartRig } from '../restart/restart-rig.ts';
import type { StormCounts, StormPlan } from '../restart/storm.ts';
import { temporaryDirectory } from '../support/rig.ts';
import type { Held, Soak, SoakContext } from './contract.ts';
import { mebibytes } from './process-state.ts';

type Transport = StormPlan['transport'];

interface Setting {
  readonly driver: string | undefined;
  readonly loops: number;
  readonly reusePort: boolean;
  readonly transport: Transport;
}

const transports: readonly Transport[] = ['tcp', 'tls', 'unix', 'udp'];
const mebibyte = 1024 * 1024;
/** What the last of a hundred processes may have more than one of the first. */
const growthMax = 16 * mebibyte;

/** On the driver `node` datagrams cannot be handed over, and a path belongs to one loop. */
function isPossible({ driver, loops, reusePort, transport }: Setting): boolean {
  if (transport === 'unix' && reusePort) return false;
  if (driver !== 'node') return true;
  return transport !== 'udp' && !(transport === 'unix' && loops > 1);
}

function settings(): Setting[] {
  const all: Setting[] = [];
  for (const driver of ['epoll', 'io_uring', 'node']) {
    for (const transport of transports) {
      for (const loops of [1, 2]) {
        for (const reusePort of [false, true]) all.push({ driver, loops, reusePort, transport });
      }
    }
  }
  return all.filter(isPossible);
}

function nameOf({ driver, loops, reusePort, transport }: Setting): string {
  return `${transport}, ${driver ?? 'auto'}, ${loops} loop(s), ${reusePort ? 'reusePort' : 'acceptor'}`;
}

/** What the run of a soak owns. */
class Scope {
  readonly #ends: (() => unknown)[] = [];

  after(end: () => unknown): void {
    this.#ends.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** The first has the long streams: as many as there are processes would be all that the machine does. */
function startClients(plan: StormPlan, count: number): ChildProcess[] {
  const script = fileURLToPath(new URL('../restart/storm-client.ts', import.meta.url));
  const args = [...process.execArgv.filter((flag) => !flag.startsWith('--expose')), script];
  return Array.from({ length: count }, (_, at) => {
    const own = at === 0 ? plan : { ...plan, streamBytes: plan.streamBytes / 16 };
    return spawn(process.execPath, [...args, JSON.stringify(own)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  });
}

async function endClient(client: ChildProcess): Promise<StormCounts> {
  let output = '';
  client.stdout?.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  client.stdin?.end();
  await once(client, 'close');
  return JSON.parse(output) as StormCounts;
}

function addressOf(scope: Scope, transport: Transport): string {
  if (transport === 'unix') return `unix://${join(temporaryDirectory(scope), 's.sock')}`;
  return `${transport}://127.0.0.1:0`;
}

interface Amount {
  readonly restarts: number;
  readonly processes: number;
  readonly streamBytes: number;
}

async function storm(setting: Setting, amount: Amount, context: SoakContext): Promise<void> {
  const { driver, loops, reusePort, transport } = setting;
  const family = makeFamily();
  const secure = transport === 'tls';
  const tls = { key: family.leaf.key, cert: family.leaf.cert + family.middle.cert };
  const scope = new Scope();
  const began = performance.now();
  try {
    const options = {
      numEventLoop: loops,
      reusePort,
      maxOutboundBytes: 2 * amount.streamBytes,
      graceful: { readyTimeout: 58_000 },
      ...(secure && { tls }),
    };
    const rig = await RestartRig.start(
      scope,
      { servers: [[addressOf(scope, transport)]], options },
      driver === undefined ? {} : { GNET_DRIVER: driver },
    );
    const [address = ''] = rig.addresses();
    const { streamBytes } = amount;
    const ca = secure ? { ca: family.root.cert } : {};
    const plan = { address, transport, clients: 1, streamBytes, restMs: 10, ...ca };
    const clients = startClients(plan, amount.processes);
    await sleep(1_000);
    for (let count = 0; count < amount.restarts; count++) {
      const sockets = socketsOf(rig.pid);
      const old = await rig.restart();
      assertOnlyListeners(sockets, rig.pid);
      await rig.gone(old);
      context.progress((count + 1) / amount.restarts, nameOf(setting));
    }
    const all = await Promise.all(clients.map(endClient));
    const sum = (kind: Exclude<keyof StormCounts, 'wrong'>): number =>
      all.reduce((total, counts) => total + counts[kind], 0);
    const wrong = all.flatMap((counts) => counts.wrong);
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    context.note(
      `${nameOf(setting)}: ${amount.restarts} restarts in ${seconds} s, ${sum('single')} connections of one request, ` +
        `${sum('kept')} requests over kept ones (${sum('sentAgain')} sent again after a goodbye), ` +
        `${sum('streams')} streams, ${sum('datagrams')} datagrams; wrong: ${wrong.length}`,
    );
    assert.deepEqual(wrong, []);
  } finally {
    await scope.end();
  }
}

function heldBy(pid: number): Held {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
    resident: field('VmRSS') * 1024,
  };
}

/** The hundredth process is as small as the fifth, and has as much open. */
async function chain(setting: Setting, count: number, context: SoakContext): Promise<void> {
  const { driver, loops, reusePort, transport } = setting;
  const scope = new Scope();
  try {
    const rig = await RestartRig.start(
      scope,
      {
        servers: [[addressOf(scope, transport)]],
        options: { numEventLoop: loops, reusePort },
      },
      driver === undefined ? {} : { GNET_DRIVER: driver },
    );
    const seen: Held[] = [];
    for (let done = 1; done <= count; done++) {
      await rig.gone(await rig.restart());
      const held = heldBy(rig.pid);
      seen.push(held);
      context.progress(done / count, 'a chain of processes', held);
      if (done % Math.ceil(count / 10) !== 0) continue;
      const { descriptors, threads, resident } = held;
      context.note(
        `chain, ${nameOf(setting)}: process ${done} has ${mebibytes(resident)}, ` +
          `${descriptors} descriptors, ${threads} threads`,
      );
    }
    const early = seen[Math.min(4, seen.length - 2)];
    const last = seen.at(-1);
    assert.ok(early !== undefined && last !== undefined);
    assert.equal(last.descriptors, early.descriptors);
    assert.equal(last.threads, early.threads);
    assert.ok(last.resident - early.resident < growthMax);
  } finally {
    await scope.end();
  }
}

/** One loop on the main thread, and two with a listener each. */
const chains: readonly Setting[] = ['epoll', 'io_uring', 'node'].flatMap((driver) => [
  { driver, loops: 1, reusePort: false, transport: 'tcp' },
  { driver, loops: 2, reusePort: true, transport: 'tcp' },
]);

export const restarts: Soak = {
  name: 'restart',
  title: 'restarts under a storm of clients, and a long chain of them',
  async run(context) {
    if (context.small) {
      const amount = { restarts: 2, processes: 1, streamBytes: mebibyte };
      await storm(
        { driver: undefined, loops: 1, reusePort: false, transport: 'tcp' },
        amount,
        context,
      );
      return;
    }
    const amount = {
      restarts: context.setting('restarts', 20),
      processes: context.setting('processes', 4),
      streamBytes: context.setting('streamMiB', 64) * mebibyte,
    };
    for (const setting of settings()) {
      if (context.wants(`storm, ${nameOf(setting)}`)) await storm(setting, amount, context);
    }
    for (const setting of chains) {
      if (!context.wants(`chain, ${nameOf(setting)}`)) continue;
      await chain(setting, context.setting('chain', 100), context);
    }
  },
};
