/**
 * The pause of a restart, as clients see it: 1,000 requests a second over 50 kept connections, for some
 * seconds without a restart and for as long with one. Peers take turns, and each is compared with itself.
 * With `a start beside` nothing is restarted: a server goes on, and the program that a restart would start
 * starts beside it: what that costs on a machine is in every restart there.
 *
 *     npm run bench:restart
 *     npm run bench:restart -- --seconds 10 --rounds 5 --peers epoll,cluster
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hasTool } from './harness/command.ts';
import { median } from './harness/statistics.ts';
import {
  clusterServer,
  gnetServer,
  HaproxyServer,
  type RestartedServer,
  StartBeside,
} from './restart/servers.ts';
import { type SlowAnswers, slowAnswers } from './restart/slow-answers.ts';
import { type Latencies, latencies, SteadyClient } from './restart/steady-client.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    peers: { type: 'string', default: 'epoll,io_uring,node,beside,cluster,haproxy' },
  },
});
const windowMs = Number(values.seconds) * 1_000;
const rounds = Number(values.rounds);

const makers: Readonly<Record<string, () => RestartedServer>> = {
  epoll: () => gnetServer('epoll'),
  io_uring: () => gnetServer('io_uring'),
  node: () => gnetServer('node'),
  beside: () => new StartBeside(),
  cluster: clusterServer,
  haproxy: () => new HaproxyServer(),
};
const titles: Readonly<Record<string, string>> = {
  epoll: 'gnet, epoll',
  io_uring: 'gnet, io_uring',
  node: 'gnet, node',
  beside: 'a start beside',
  cluster: 'node:cluster',
  haproxy: 'HAProxy -sf -x',
};

/** How many times the 99th percentile without a restart makes an answer slow: the goal for that with one. */
const slowFactor = 1.5;

interface Measured {
  readonly without: Latencies;
  readonly during: Latencies;
  readonly slow: SlowAnswers;
  /** As many as there are without a restart. */
  readonly slowWithout: number;
  readonly errors: number;
}

async function measure(make: () => RestartedServer): Promise<Measured> {
  const server = make();
  const client = new SteadyClient(await server.port, 50, 1_000);
  await sleep(1_000);
  client.take();
  await sleep(windowMs);
  const quiet = client.take();
  const restarted = server.restart().then(() => performance.now());
  await sleep(windowMs);
  const steps = { served: await restarted, left: client.leftAt };
  const answers = client.take();
  client.end();
  server.end();
  const without = latencies(quiet);
  const limitMs = slowFactor * without.p99;
  const slow = slowAnswers(answers, limitMs, steps);
  const slowWithout = slowAnswers(quiet, limitMs, steps).total;
  return { without, during: latencies(answers), slow, slowWithout, errors: client.errors };
}

const cell = (ms: number): string => ms.toFixed(2).padStart(9);

function print(name: string, { without, during, errors }: Measured): void {
  const columns = [without, during].map(({ p50, p99, max }) => [p50, p99, max].map(cell).join(''));
  const ratio = (during.p99 / without.p99).toFixed(2);
  const failed = errors === 0 ? '' : `   ${errors} errors`;
  console.log(`${name.padEnd(15)}${columns.join(' |')} | ${ratio.padStart(8)}${failed}`);
}

const chosen = values.peers.split(',').filter((name) => {
  if (makers[name] === undefined) throw new Error(`there is no peer '${name}'`);
  if (name !== 'haproxy' || hasTool('haproxy')) return true;
  console.log('skipping haproxy: it is missing (Debian: haproxy)');
  return false;
});
const build = fileURLToPath(new URL('../scripts/build.ts', import.meta.url));
spawnSync(process.execPath, [build], { stdio: ['ignore', 'ignore', 'inherit'] });

const all = new Map<string, Measured[]>(chosen.map((name) => [name, []]));
console.log(`milliseconds; ${rounds} rounds of 2 x ${values.seconds} s, 1,000 requests a second`);
console.log(
  '                     p50      p99      max |      p50      p99      max |    p99 ratio',
);
for (let count = 0; count < rounds; count++) {
  for (const [name, measured] of all) {
    const one = await measure(makers[name] as () => RestartedServer);
    measured.push(one);
    print(titles[name] as string, one);
  }
}
console.log('medians of the rounds:');
for (const [name, measured] of all) {
  const without = median(measured.map((one) => one.without.p99));
  const during = median(measured.map((one) => one.during.p99));
  const ratio = median(measured.map((one) => one.during.p99 / one.without.p99));
  const text = `p99 ${without.toFixed(2)} -> ${during.toFixed(2)} ms, ${ratio.toFixed(2)} times`;
  console.log(`${(titles[name] as string).padEnd(15)}${text}`);
}

// Where they come from: until the new process serves, until the last goodbye, and after that.
const answers = 1_000 * Number(values.seconds);
const goal = answers / 100;
console.log(
  `answers that took over ${slowFactor} times the p99 without a restart, of ${answers} with one ` +
    `(medians; the goal is at most ${goal}):`,
);
const columns = ['starting', 'goodbyes', 'later', 'total', 'sentLate'] as const;
const heads = ['starting', 'goodbyes', 'later', 'total', 'sent late', 'without'];
console.log(' '.repeat(15) + heads.map((head) => head.padStart(11)).join(''));
for (const [name, measured] of all) {
  const counts = columns.map((column) => median(measured.map(({ slow }) => slow[column])));
  const row = [...counts, median(measured.map(({ slowWithout }) => slowWithout))];
  const text = row.map((count) => count.toFixed(0).padStart(11)).join('');
  console.log(`${(titles[name] as string).padEnd(15)}${text}`);
}
