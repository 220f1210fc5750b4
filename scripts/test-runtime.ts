/**
 * Runs test files under Bun or Deno, each file in a process of its own, by that runtime's own runner:
 * both know `node:test`. Or under Node of another system or CPU. Every test of a file counts, and a file
 * that does not end fails.
 *
 *     node scripts/test-runtime.ts --runtime bun --driver epoll src/driver/readiness/epoll.contract.test.ts
 *     node scripts/test-runtime.ts --machine wine --driver node test/server/actions.test.ts
 *     ... --seconds 600 --record FILE --lane NAME     as for `npm test`
 *     GNET_LATE_LOOPS=7 GNET_HOLD_UPS=7 ...           with loops that are late: see `testing/late-loops.ts`
 *     GNET_STAND_IN=freebsd ...                       as a process of that system: see `testing/stand-in/`
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeOption } from './arguments.ts';
import { type MachineName, otherMachine } from './other-machine.ts';
import { otherRuntime, type RuntimeName } from './other-runtime.ts';
import { appendRecord, nothing } from './record.ts';
import type { RunReport } from './record-reporter.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const testTimeoutMs = 60_000;
const fileLimitMs = 120_000;
/** Other CPUs are slow where each instruction is translated. */
const machineFileLimitMs = 400_000;

/** What runs files, and arguments that run one and write a report in JUnit's form. */
interface Runner {
  readonly command: string;
  readonly args: (file: string, report: string) => readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly fileLimitMs: number;
}

/** Before the file. */
const preload = [
  ...(process.env['GNET_STAND_IN'] ? ['--preload', './testing/stand-in/install.ts'] : []),
  ...(process.env['GNET_LATE_LOOPS'] || process.env['GNET_HOLD_UPS']
    ? ['--preload', './testing/late-loops.ts']
    : []),
];

const runtimeArguments: Readonly<Record<RuntimeName, Runner['args']>> = {
  bun: (file, report) => [
    'test',
    '--conditions=gnet-source',
    `--timeout=${testTimeoutMs}`,
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...preload,
    `./${file}`,
  ],
  deno: (file, report) => [
    'test',
    '--allow-all',
    '--no-check',
    '--conditions=gnet-source',
    `--junit-path=${report}`,
    ...preload,
    file,
  ],
};

function runtimeRunner(name: RuntimeName): Runner {
  const command = otherRuntime(name);
  if (command === undefined) throw new Error(`${name} cannot be installed here`);
  return { command, args: runtimeArguments[name], env: {}, fileLimitMs };
}

function machineRunner(name: MachineName): Runner {
  const found = otherMachine(name);
  if ('reason' in found) throw new Error(`${name}: ${found.reason}`);
  const [command, ...before] = found.command;
  const args: Runner['args'] = (file, report) => [
    ...before,
    '--conditions=gnet-source',
    '--disable-warning=ExperimentalWarning',
    '--test-reporter=junit',
    `--test-reporter-destination=${report}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    file,
  ];
  return { command, args, env: found.env, fileLimitMs: machineFileLimitMs };
}

interface CaseReport {
  readonly name: string;
  readonly outcome: 'pass' | 'fail' | 'skipped';
}

/** The cases of a report in JUnit's form. A group that only says that one inside it failed is none. */
function casesOf(xml: string): CaseReport[] {
  const found: CaseReport[] = [];
  for (const [, attributes = '', inside = ''] of xml.matchAll(
    /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const [, name = ''] = /\bname="([^"]*)"/.exec(attributes) ?? [];
    if (/<failure message="\d+ test steps? failed/.test(inside)) continue;
    const fails = /<(?:failure|error)\b/.test(inside);
    found.push({
      name,
      outcome: fails ? 'fail' : inside.includes('<skipped') ? 'skipped' : 'pass',
    });
  }
  return found;
}

/** Ends with what the file came to; its output is shown when something failed. */
function runFile({ command, args, env }: Runner, file: string, limitMs: number) {
  const folder = mkdtempSync(join(tmpdir(), 'gnet-run-'));
  const report = join(folder, 'report.xml');
  // A file, not a pipe: Wine cannot give a program one of those.
  const outputPath = join(folder, 'output');
  const output = openSync(outputPath, 'w');
  return new Promise<CaseReport[]>((resolve) => {
    const child = spawn(command, args(file, report), {
      cwd: root,
      stdio: ['ignore', output, output],
      // A process group, so that it can be ended with everything that the tests have started.
      detached: true,
      env: {
        ...process.env,
        NO_COLOR: '1',
        // Programs of tests write what the tests say, also on a machine that is busy.
        GNET_SLOW_HANDLER: '0',
        ...env,
        ...(driver !== undefined && { GNET_DRIVER: driver }),
      },
    });
    closeSync(output);
    const kill = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(kill, limitMs);
    child.on('close', (code) => {
      clearTimeout(timer);
      const cases = readCases(report);
      const failed = cases.some(({ outcome }) => outcome === 'fail');
      if (code !== 0 && !failed) {
        cases.push({ name: `ended with ${code ?? 'a signal, or for its time'}`, outcome: 'fail' });
      }
      if (code !== 0) console.log(readFileSync(outputPath, 'utf8'));
      rmSync(folder, { recursive: true });
      resolve(cases);
    });
  });
}

function readCases(report: string): CaseReport[] {
  try {
    return casesOf(readFileSync(report, 'utf8'));
  } catch {
    return []; // it did not come to its end
  }
}

async function runFiles(runner: Runner, files: readonly string[]) {
  const counts = { ...nothing };
  const failed: string[] = [];
  const begun = performance.now();
  for (const file of files) {
    const leftMs = seconds * 1_000 - (performance.now() - begun);
    const cases = await runFile(runner, file, Math.max(1, Math.min(runner.fileLimitMs, leftMs)));
    const wrong = cases.filter(({ outcome }) => outcome === 'fail');
    for (const { outcome } of cases) counts[outcome]++;
    counts.tests += cases.length;
    failed.push(...wrong.map(({ name }) => `${file}: ${name}`));
    console.log(`${wrong.length === 0 ? '✔' : '✖'} ${file}: ${cases.length} tests`);
  }
  return { counts, durationMs: performance.now() - begun, failed } satisfies RunReport;
}

const args = process.argv.slice(2);
const machine = takeOption(args, '--machine') as MachineName | undefined;
const runtime = (takeOption(args, '--runtime') ?? 'bun') as RuntimeName;
const driver = takeOption(args, '--driver');
const seconds = Number(takeOption(args, '--seconds') ?? 600);
const record = takeOption(args, '--record');
const lane = takeOption(args, '--lane') ?? machine ?? runtime;
const runner = machine === undefined ? runtimeRunner(runtime) : machineRunner(machine);
const report = await runFiles(runner, args);
const passed = report.failed.length === 0;
if (record !== undefined) appendRecord(record, { lane, passed, ...report });
for (const name of report.failed) console.log(`failed: ${name}`);
console.log(`${report.counts.pass} passed, ${report.counts.skipped} skipped`);
process.exitCode = passed ? 0 : 1;
