/**
 * Runs the tests with Node's runner. Where they live: CONTRIBUTING.md. The long ones of test/soak are
 * programs, not tests: `npm run soak`.
 *
 *     npm test                              everything
 *     npm test -- src/codec                 the files whose path contains "src/codec"
 *     npm test -- '!test/bench'             all but the files whose path contains "test/bench"
 *     npm test -- --test-name-pattern=udp   options go to the runner
 *     npm test -- --coverage                with a table of lines that no test reached
 *     npm test -- --driver node             on that driver: epoll, io_uring, node
 *     npm test -- --transport tls           with TLS on every stream of the tests
 *     npm test -- --late-loops 7            with loops that are late now and then, by that seed, and
 *     npm test -- --hold-ups 7              threads that are held up: see `testing/late-loops.ts`
 *     npm test -- --node /path/to/node      under another Node than the project's
 *     npm test -- --seconds 600             ended then, with what was running; 1,200 by default
 *     npm test -- --record FILE --lane NAME appends what it came to: see `record.ts`
 *
 * Ends with the runner's own summary and its exit code.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeOption } from './arguments.ts';
import { projectNode } from './project-node.ts';
import { appendRecord, nothing } from './record.ts';
import type { RunReport } from './record-reporter.ts';
import { limitTime } from './time-limits.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const patterns = [
  'src/**/*.test.ts',
  'test/**/*.test.ts',
  'testing/**/*.test.ts',
  'scripts/**/*.test.ts',
  'examples/**/*.test.ts',
  'bench/**/*.test.ts',
];

/** A test that hangs fails by this, a file that spins or does not end is killed a little later. */
const testTimeoutMs = 120_000;
const fileLimitMs = 180_000;
const runLimitSeconds = 1_200;

function testFiles(filters: readonly string[], without: readonly string[]): string[] {
  return globSync(patterns, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !without.some((filter) => path.includes(filter)))
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort();
}

function coverageFlags(): string[] {
  const tests = ['**/*.test.ts', 'test/**', 'testing/**', 'scripts/**', 'examples/**', 'bench/**'];
  return [
    '--experimental-test-coverage',
    ...tests.map((pattern) => `--test-coverage-exclude=${pattern}`),
  ];
}

function runnerFlags(options: readonly string[]): string[] {
  const flags = ['--test', '--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  const given = (name: string): boolean => options.some((option) => option.startsWith(name));
  // Processes of their own, a few at a time: they open sockets and start threads themselves. Three on two
  // cores: a sixth of the time all of two would wait.
  if (!given('--test-concurrency')) {
    flags.push(`--test-concurrency=${Math.min(4, Math.max(3, availableParallelism()))}`);
  }
  if (!given('--test-timeout')) flags.push(`--test-timeout=${testTimeoutMs}`);
  if (!given('--test-reporter')) {
    flags.push('--test-reporter=spec', '--test-reporter-destination=stdout');
  }
  for (const option of options) {
    if (option === '--coverage') flags.push(...coverageFlags());
    else flags.push(option);
  }
  return flags;
}

/**
 * Types are stripped and modules compiled once, not in each of some thousand processes and threads: that
 * is most of their CPU. Coverage needs what the cache leaves out.
 */
function compileCache(flags: readonly string[]): NodeJS.ProcessEnv {
  if (flags.includes('--experimental-test-coverage')) return {};
  return { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile') };
}

/** What makes every process and thread of the run late. */
function lateVariables(): NodeJS.ProcessEnv {
  if (lateLoops === undefined && holdUps === undefined) return {};
  const preload = new URL('../testing/late-loops.ts', import.meta.url);
  const flags = `--import=${preload} --conditions=gnet-source --disable-warning=ExperimentalWarning`;
  return {
    ...(lateLoops && { GNET_LATE_LOOPS: lateLoops }),
    ...(holdUps && { GNET_HOLD_UPS: holdUps }),
    NODE_OPTIONS: flags,
  };
}

/** Where the run is written down, if anywhere. */
interface Recording {
  readonly path: string;
  readonly lane: string;
}

function runTests(
  node: string,
  flags: readonly string[],
  seconds: number,
  recording: Recording | undefined,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-run-'));
  const reportPath = join(folder, 'report.json');
  const reporter = fileURLToPath(new URL('record-reporter.ts', import.meta.url));
  const recorder = [`--test-reporter=${reporter}`, `--test-reporter-destination=${reportPath}`];
  const runner = spawn(node, [...(recording ? recorder : []), ...flags], {
    cwd: root,
    stdio: 'inherit',
    // A process group, so that it can be ended with everything that the tests have started.
    detached: process.platform !== 'win32',
    env: {
      ...process.env,
      ...compileCache(flags),
      // Programs of tests write what the tests say, also on a machine that is busy.
      GNET_SLOW_HANDLER: '0',
      ...(driver && { GNET_DRIVER: driver }),
      ...(transport && { GNET_TEST_TRANSPORT: transport }),
      ...lateVariables(),
    },
  });
  const ended: string[] = [];
  limitTime(runner, { fileMs: fileLimitMs, runMs: seconds * 1_000 }, (what) => {
    console.error(`ENDED ${recording?.lane ?? 'tests'}: ${what}`);
    ended.push(what);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => runner.kill(signal));
  }
  runner.on('close', (code) => {
    const passed = code === 0 && ended.length === 0;
    process.exitCode = passed ? 0 : code || 1;
    if (recording !== undefined) {
      const { path, lane } = recording;
      const report = readReport(reportPath);
      appendRecord(path, { lane, passed, ...report, failed: [...report.failed, ...ended] });
    }
    rmSync(folder, { recursive: true });
  });
}

function readReport(path: string): RunReport {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RunReport;
  } catch {
    // The runner did not come to its summary.
    return { counts: { ...nothing, tests: 1, fail: 1 }, durationMs: 0, failed: ['no summary'] };
  }
}

const args = process.argv.slice(2);
const driver = takeOption(args, '--driver');
const transport = takeOption(args, '--transport');
const lateLoops = takeOption(args, '--late-loops');
const holdUps = takeOption(args, '--hold-ups');
const node = takeOption(args, '--node') ?? projectNode();
const seconds = Number(takeOption(args, '--seconds') ?? runLimitSeconds);
const record = takeOption(args, '--record');
const lane = takeOption(args, '--lane') ?? 'tests';
const paths = args.filter((argument) => !argument.startsWith('-'));
const filters = paths.filter((path) => !path.startsWith('!'));
const without = paths.filter((path) => path.startsWith('!')).map((path) => path.slice(1));
const options = args.filter((argument) => argument.startsWith('-'));
const files = testFiles(
  filters.map((filter) => filter.replace(/^\.\//, '')),
  without,
);

if (files.length === 0) {
  console.error(`no test file has ${filters.join(' or ')} in its path`);
  process.exitCode = 1;
} else {
  const flags = [...runnerFlags(options), ...files];
  runTests(node, flags, seconds, record === undefined ? undefined : { path: record, lane });
}
