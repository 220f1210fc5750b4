/**
 * Runs the tests with Node's runner: unit tests beside the sources, test/ over real sockets, scripts
 * and examples; not test/soak, which takes its time (`npm run soak`).
 *
 *     npm test                              everything
 *     npm test -- src/codec                 the files whose path contains "src/codec"
 *     npm test -- '!test/bench'             all but the files whose path contains "test/bench"
 *     npm test -- --test-name-pattern=udp   options go to the runner
 *     npm test -- --coverage                with a table of lines that no test reached
 *     npm test -- --driver node             on that driver: epoll, io_uring, node
 *     npm test -- --node /path/to/node      under another Node than the project's
 *
 * Ends with the runner's own summary and its exit code.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { projectNode } from './project-node.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const patterns = [
  'src/**/*.test.ts',
  'test/**/*.test.ts',
  'testing/**/*.test.ts',
  'scripts/**/*.test.ts',
  'examples/**/*.test.ts',
  'bench/**/*.test.ts',
];

/** A file that hangs fails by this instead of stopping the run for ever. */
const fileTimeoutMs = 180_000;

function testFiles(filters: readonly string[], without: readonly string[]): string[] {
  return globSync(patterns, { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.startsWith('test/soak/'))
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
  // Processes of their own, a few at a time: they open sockets and start threads themselves.
  if (!given('--test-concurrency')) {
    flags.push(`--test-concurrency=${Math.min(4, Math.max(2, availableParallelism()))}`);
  }
  if (!given('--test-timeout')) flags.push(`--test-timeout=${fileTimeoutMs}`);
  if (!given('--test-reporter')) flags.push('--test-reporter=spec');
  for (const option of options) {
    if (option === '--coverage') flags.push(...coverageFlags());
    else flags.push(option);
  }
  return flags;
}

/** Takes `--name value` or `--name=value` out of the arguments. */
function takeOption(args: string[], name: string): string | undefined {
  const at = args.findIndex((argument) => argument === name || argument.startsWith(`${name}=`));
  if (at === -1) return undefined;
  const [first = ''] = args.splice(at, 1);
  return first === name ? args.splice(at, 1)[0] : first.slice(name.length + 1);
}

const args = process.argv.slice(2);
const driver = takeOption(args, '--driver');
const node = takeOption(args, '--node') ?? projectNode();
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
  const child = spawn(node, [...runnerFlags(options), ...files], {
    cwd: root,
    stdio: 'inherit',
    env: driver === undefined ? process.env : { ...process.env, GNET_DRIVER: driver },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  child.on('close', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1;
  });
}
