/**
 * Runs the tests that depend on the driver on every driver, one after the other, and on the older
 * versions of Node that the node driver is for; and a part of them under Bun and Deno. Tests that have
 * no meaning on a driver skip themselves.
 *
 *     npm run test:drivers
 *     npm run test:drivers -- node io_uring      only the lanes whose name contains one of these; long ones
 *                                                run only so: wine, arm64, musl, 'programs on'
 *     npm run test:drivers -- --others           not the driver that `npm test` takes by itself
 *     npm run test:drivers -- --seconds 600      ended then; what was left counts as failed
 *     npm run test:drivers -- --record FILE      adds to the runs that FILE has: see `record.ts`
 *
 * Ends with a line per lane, and the sum over all of them in the words of Node's test runner.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type MachineName, otherMachine } from './other-machine.ts';
import { olderMajors, otherNode } from './other-node.ts';
import { otherRuntime, type RuntimeName, runtimeNames } from './other-runtime.ts';
import { projectNode } from './project-node.ts';
import { appendRecord, nothing, readRecords, summaryOf } from './record.ts';
import { takeFlag, takeOption } from './arguments.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Lane {
  readonly name: string;
  readonly driver: string;
  /** Undefined: this project's own. */
  readonly major?: number;
  /** Filters of paths. */
  readonly paths: readonly string[];
  /** Another runtime, and the files that its own runner runs; `paths` is empty then. */
  readonly runtime?: RuntimeName;
  readonly files?: readonly string[];
  /** TLS under every stream of the rigs. */
  readonly transport?: 'tls';
  /** Who does TLS, where that is not found by itself. */
  readonly tls?: 'node:tls';
  /** The system that the process takes itself for: see `testing/stand-in/`. */
  readonly standIn?: string;
  /** Another runtime for the programs that tests start, and for the examples. */
  readonly programs?: RuntimeName;
  /** Node of another system or CPU, which runs `files`. */
  readonly machine?: MachineName;
  /** It takes minutes, or what CI does not have: it runs when a filter is in its name. */
  readonly long?: true;
}

/** The core over real sockets, on every driver. */
const core = [
  'test/regressions/',
  'test/restart/',
  // Long, and what it adds to the storm over one loop is the same on every driver.
  '!test/restart/storm-loops',
  'test/server/',
  'test/tls/',
  // Long, and about TLS alone: once is enough, in `npm test`.
  '!test/tls/scanners',
  '!test/tls/odd',
  'test/worker/',
];
/** On io_uring, processes and threads are started, and files written, as on epoll, under the same TLS. */
const asOnEpoll = [
  '!test/tls/cross',
  '!test/tls/interop',
  '!test/tls/outside',
  '!test/worker/deaths',
  '!test/restart/failures',
  '!test/restart/parent',
  '!test/restart/pid-file',
  '!test/restart/service-manager',
];
/**
 * What stands on the core's public face: `npm test` runs all of it on the driver that is taken here. A
 * few of each show that another driver bears it.
 */
const onTop = [
  'test/examples/http-server',
  'test/examples/push',
  'test/http/serving',
  'test/net/deeds',
  'test/stream/hostile',
  'test/stream/socket',
  'test/websocket/server',
];
/** What an older Node can change: its sockets and threads, and how FFI and TLS are reached. */
const olderNodes = [
  'test/server/accept',
  'test/server/actions',
  'test/server/async',
  'test/server/client',
  'test/server/close-matrix',
  'test/server/scenarios',
  'test/server/stop',
  'test/server/udp',
  'test/server/unix',
  'test/tls/',
  // What others' clients and servers make of our TLS, the newest Node shows.
  '!test/tls/cross',
  '!test/tls/interop',
  '!test/tls/odd',
  '!test/tls/outside',
  '!test/tls/rustls',
  '!test/tls/scanners',
  'test/worker/loops',
  'test/worker/life',
  'test/worker/scenarios',
];
/** Of these, what shows that sockets, threads and the FFI do their work. */
const bare = [
  'test/server/actions',
  'test/server/scenarios',
  'test/server/udp',
  'test/worker/loops',
];
/**
 * Connections over TLS: what is said of connections holds for these. Suites that go through every
 * transport by themselves are not among them.
 */
const overTls = [
  'test/server/actions',
  'test/server/async-events',
  'test/server/destroy',
  'test/server/handler-errors',
  'test/server/host-loop',
  'test/server/keeping-up',
  'test/server/link-ends',
  'test/server/links',
  'test/server/loop-face',
  'test/server/resets',
  'test/server/retain',
  'test/server/stop',
  'test/server/take-over',
  'test/stream/socket',
  'test/worker/handles',
];
/** Their contract is part of every run on the project's own Node. */
const nodeContract = 'src/driver/node/node-driver.contract';
const epollContract = 'src/driver/readiness/epoll.contract';
const kqueueContract = 'src/driver/readiness/kqueue.contract';

/**
 * The kqueue driver on the stand-ins of other systems: the contract on each, and what servers do on one.
 * Not what is about Linux's own options, and not what starts programs with an environment of their own.
 */
const standIns: Readonly<Record<string, readonly string[]>> = {
  freebsd: [
    'test/server/actions',
    'test/server/async-events',
    'test/server/scenarios',
    'test/server/stop',
    'test/server/unix',
  ],
  darwin: ['test/server/actions', 'test/server/reset'],
  netbsd: [],
  'netbsd-9': [],
  'openbsd-7.7': ['test/server/every'],
};

/**
 * What runs under Bun and Deno on each driver: the driver's contract, and what a server does in its
 * thread. Their runners cannot leave single tests out by name, so a file is here when all of it passes.
 */
const otherRuntimes = ['actions', 'async-handlers', 'handler-errors', 'stop', 'wake-while-waiting'];
/**
 * Not under Deno: `node:fs` there closes no descriptor that it has not opened, which tests of `dupFd`
 * do, and its sockets tell of a reset as of a connect that failed.
 */
const bunAsWell = ['reset', 'scenarios', 'udp'];
/** Packages on what Bun and Deno have of node:http, on one driver. */
const streams = ['test/stream/socket.test.ts', 'test/stream/more-packages.test.ts'];
/** What is about a runtime's FFI, and not about a driver. */
const ffi = 'src/ffi/contract.addresses.test.ts';
/** Deno's own sockets break some rules of the contract, which these meet: see docs/drivers.md. */
const notOverDenosSockets = ['actions', 'stop'];
const contracts: Readonly<Record<string, string>> = {
  epoll: 'src/driver/readiness/epoll.contract.test.ts',
  io_uring: 'src/driver/io-uring/io-uring-driver.contract.test.ts',
  node: 'src/driver/node/node-driver.contract.test.ts',
};

/** Examples, spoken to by clients of this process, and every way for a program to end. */
const programs = [
  'test/examples/',
  'test/server/host-loop',
  // They are about the files of the examples, not about what runs them.
  '!test/examples/flags',
  '!test/examples/redis-same-answers',
  // Their http servers tell no descriptor, which a native driver needs to take a socket over.
  '!test/examples/http-upgrade',
];
const programsWithout: Readonly<Record<RuntimeName, readonly string[]>> = {
  // Bun cannot take types out of the page's modules, which a built package does not do either.
  bun: ['!test/examples/inspect'],
  // Deno closes no descriptor that it has not opened.
  deno: ['!test/examples/broker'],
};

const serverTest = (topic: string): string => `test/server/${topic}.test.ts`;

/** What runs on Node of another system or CPU, by driver. A file is here when all of it passes there. */
const machines: readonly {
  readonly machine: MachineName;
  readonly driver: string;
  readonly files: readonly string[];
}[] = [
  {
    machine: 'wine',
    driver: 'node',
    files: [
      'src/driver/node/node-driver.contract.test.ts',
      ...['actions', 'async-events', 'scenarios', 'udp', 'unix-addresses'].map(serverTest),
      'test/runtimes/windows.test.ts',
    ],
  },
  {
    machine: 'arm64',
    driver: 'epoll',
    files: [
      'src/syscall/linux/datagram-control.test.ts',
      'src/codec/codec-for.test.ts',
      'src/codec/line-based-frame-codec.test.ts',
      'src/codec/length-field-based-frame-codec.test.ts',
      'test/runtimes/arm64.test.ts',
      // Not the contract, which takes ten minutes, nor those that want two frames in one read.
      ...['scenarios', 'udp'].map(serverTest),
    ],
  },
  {
    machine: 'musl',
    driver: 'epoll',
    files: [
      'src/driver/readiness/epoll.contract.test.ts',
      ...['actions', 'scenarios', 'udp', 'unix-addresses'].map(serverTest),
      'test/worker/loops.test.ts',
    ],
  },
];

function filesUnder(runtime: RuntimeName, driver: string): string[] {
  const overDenosSockets = runtime === 'deno' && driver === 'node';
  const topics = [...otherRuntimes, ...(runtime === 'bun' ? bunAsWell : [])].filter(
    (topic) => !overDenosSockets || !notOverDenosSockets.includes(topic),
  );
  const server = topics.map((topic) => `test/server/${topic}.test.ts`);
  const files = driver === 'epoll' ? [...server, ...streams, ffi] : server;
  return overDenosSockets ? files : [contracts[driver] ?? '', ...files];
}

const lanes: readonly Lane[] = [
  ...runtimeNames.flatMap((runtime) =>
    Object.keys(contracts).map((driver) => ({
      name: `${driver} on ${runtime}`,
      driver,
      runtime,
      paths: [],
      files: filesUnder(runtime, driver),
    })),
  ),
  ...['epoll', 'io_uring', 'node'].map((driver) => ({
    name: driver,
    driver,
    paths: [...core, ...onTop, ...(driver === 'io_uring' ? asOnEpoll : [])],
  })),
  ...['epoll', 'io_uring', 'node'].map((driver) => ({
    name: `${driver} over TLS`,
    driver,
    transport: 'tls' as const,
    paths: overTls,
  })),
  ...olderMajors.map((major) => ({
    name: `node on Node ${major}`,
    driver: 'node',
    major,
    // One of them as without an FFI. The other one has a lane with epoll, too.
    paths: major === olderMajors[0] ? [...olderNodes, nodeContract] : [...bare, nodeContract],
    ...(major === olderMajors[0] && { tls: 'node:tls' as const }),
  })),
  ...Object.entries(standIns).map(([standIn, paths]) => ({
    name: `kqueue as ${standIn}`,
    driver: 'kqueue',
    standIn,
    paths: [kqueueContract, ...paths],
  })),
  // The driver and the FFI alone.
  ...runtimeNames.map((runtime) => ({
    name: `kqueue as freebsd on ${runtime}`,
    driver: 'kqueue',
    standIn: 'freebsd',
    runtime,
    paths: [],
    files: [`${kqueueContract}.test.ts`],
  })),
  {
    name: 'kqueue as freebsd, soaks',
    driver: 'kqueue',
    standIn: 'freebsd',
    paths: ['test/soak/small', '--test-name-pattern=/^(cycles|churn|echo)$/'],
  },
  {
    name: 'kqueue as freebsd, with loops and clients',
    driver: 'kqueue',
    standIn: 'freebsd',
    paths: [
      'test/worker/loops',
      'test/server/client.',
      // What has affinity, and what starts programs with an environment of their own.
      '--test-skip-pattern=/lockOSThread|by force/',
    ],
    long: true,
  },
  {
    name: 'epoll with koffi on Node 24',
    driver: 'epoll',
    major: 24,
    paths: [...bare, 'test/tls/client', 'test/tls/contract', 'test/tls/server', epollContract, ffi],
  },
  ...runtimeNames.map((runtime) => ({
    name: `programs on ${runtime}`,
    driver: 'epoll',
    programs: runtime,
    paths: [...programs, ...programsWithout[runtime]],
    long: true as const,
  })),
  ...machines.map(({ machine, driver, files }) => ({
    name: `${driver} on ${machine}`,
    driver,
    machine,
    paths: [],
    files,
    long: true as const,
  })),
];

/** What makes a process of Node, and those that it starts, a stand-in; of others, `test-runtime.ts`. */
function standInVariables(standIn: string | undefined, runtime?: RuntimeName): NodeJS.ProcessEnv {
  if (standIn === undefined) return {};
  if (runtime !== undefined) return { GNET_STAND_IN: standIn };
  const preload = new URL('../testing/stand-in/install.ts', import.meta.url);
  const flags = `--import=${preload} --conditions=gnet-source --disable-warning=ExperimentalWarning`;
  return { GNET_STAND_IN: standIn, NODE_OPTIONS: flags };
}

/** The driver that `driver` stands for here, or why there is none. */
function driverHere(
  driver: string,
  standIn?: string,
): { readonly name: string } | { readonly reason: string } {
  const script = `
    import { chooseBackend } from './src/driver/choose-driver.ts';
    try { console.log(JSON.stringify({ name: (await chooseBackend('${driver}')).name })); }
    catch (error) { console.log(JSON.stringify({ reason: error.message })); }`;
  const flags = ['--no-warnings', '--input-type=module', '--eval', script];
  const env = { ...process.env, ...standInVariables(standIn) };
  const { stdout, stderr } = spawnSync(projectNode(), flags, { cwd: root, encoding: 'utf8', env });
  if (stdout === '') throw new Error(`cannot ask which drivers work here: ${stderr}`);
  return JSON.parse(stdout);
}

/** The Node of a lane, or why it cannot run here. */
function nodeOf(lane: Lane): { readonly node: string } | { readonly reason: string } {
  const { major, driver, runtime, standIn, machine } = lane;
  if (machine !== undefined) {
    const found = otherMachine(machine);
    if ('reason' in found) return found;
    const [command, ...more] = found.command;
    // Something else runs its Node, which cannot start a process for each file: `test-runtime.ts` does.
    return { node: more.length === 0 ? command : '' };
  }
  if (lane.programs !== undefined && otherRuntime(lane.programs) === undefined) {
    return { reason: `${lane.programs} cannot be installed here` };
  }
  if (runtime !== undefined && otherRuntime(runtime) === undefined) {
    return { reason: `${runtime} cannot be installed here` };
  }
  if (major !== undefined) {
    const node = otherNode(major);
    return node === undefined ? { reason: `Node ${major} cannot be installed here` } : { node };
  }
  const here = driverHere(driver, standIn);
  return 'reason' in here ? here : { node: projectNode() };
}

/** Runs a lane, which writes itself down. */
function run(lane: Lane, path: string, seconds: number): void {
  console.log(`\n== ${lane.name}`);
  const without = { lane: lane.name, counts: nothing, durationMs: 0, failed: [] };
  const found = nodeOf(lane);
  if ('reason' in found) {
    appendRecord(path, { ...without, passed: true, remark: found.reason });
    return;
  }
  if (seconds <= 0) {
    appendRecord(path, { ...without, passed: false, remark: 'there was no time left for it' });
    return;
  }
  const args = ['--lane', lane.name, '--record', path, '--seconds', String(Math.ceil(seconds))];
  const { driver, runtime, machine, files = [], transport } = lane;
  if (transport !== undefined) args.push('--transport', transport);
  const other = machine === undefined ? ['--runtime', `${runtime}`] : ['--machine', machine];
  // Servers do not take it there, as docs/drivers.md says: the files know it themselves.
  const chosen = driver === 'kqueue' ? [] : ['--driver', driver];
  const command =
    runtime === undefined && found.node !== ''
      ? ['test.ts', '--driver', driver, '--node', found.node, ...args, ...lane.paths, ...files]
      : ['test-runtime.ts', ...chosen, ...other, ...args, ...files];
  const [script = '', ...rest] = command;
  const env = {
    ...process.env,
    ...standInVariables(lane.standIn, runtime),
    ...(lane.tls && { GNET_OPENSSL: lane.tls }),
    ...(lane.programs && { GNET_TEST_RUNTIME: lane.programs }),
  };
  const { status, signal } = spawnSync(
    projectNode(),
    [fileURLToPath(new URL(script, import.meta.url)), ...rest],
    { stdio: 'inherit', env },
  );
  if (readRecords(path).some((one) => one.lane === lane.name)) return;
  const remark = `it ended with ${signal ?? `status ${status}`} before it could say what passed`;
  appendRecord(path, { ...without, passed: false, remark });
}

const args = process.argv.slice(2);
const othersOnly = takeFlag(args, '--others');
const seconds = Number(takeOption(args, '--seconds') ?? 3_600);
const record = takeOption(args, '--record');
const taken = othersOnly ? driverHere('auto') : undefined;
const folder = mkdtempSync(join(tmpdir(), 'gnet-lanes-'));
const path = record ?? join(folder, 'record');
const named = lanes.filter(
  ({ name }) => args.length === 0 || args.some((filter) => name.includes(filter)),
);
const wanted = named.filter(({ long }) => long !== true || args.length > 0);
const leftOut = named.filter((lane) => !wanted.includes(lane)).map(({ name }) => name);
if (leftOut.length > 0) console.log(`only by name: ${leftOut.join(', ')}`);
if (wanted.length === 0) {
  throw new Error(`no lane is named so: ${lanes.map(({ name }) => name).join(', ')}`);
}
for (const lane of wanted) {
  const { major, runtime, transport, standIn, programs, machine } = lane;
  const isOwn = [major, runtime, programs, machine].every((one) => one === undefined);
  const plain = isOwn && transport === undefined && standIn === undefined;
  if (plain && taken && 'name' in taken && taken.name === lane.driver) continue;
  run(lane, path, seconds - performance.now() / 1_000);
}
const records = readRecords(path);
console.log(summaryOf(records));
process.exitCode = records.every(({ passed }) => passed) ? 0 : 1;
rmSync(folder, { recursive: true });
