/** Our own load generator for echo servers, `bench/load/`, as the harness uses it. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BUILD_FOLDER,
  type Command,
  compileC,
  compiler,
  environment,
  PROJECT_FOLDER,
} from './command.ts';
import { addressText, type Load, type LoadResult, type LoadRun } from './load.ts';
import { pinned } from './pinning.ts';

const SOURCE_FOLDER = fileURLToPath(new URL('../load/', import.meta.url));
const BINARY = 'echo-load';
export const ECHO_LOAD = join(BUILD_FOLDER, BINARY);
/** Beyond its own warm-up, window and drain, before it counts as hanging. */
const GRACE_SECONDS = 30;

/** The line of JSON that the program prints. */
export interface EchoLoadOutput extends Omit<LoadResult, 'serverCpuSeconds'> {
  readonly serverCpuSeconds: number | null;
  readonly errors: number;
}

export interface EchoLoadOptions {
  /** Puts a 4-byte big-endian length before every payload. */
  readonly lengthField?: boolean;
  /** Each message is one of a WebSocket. */
  readonly websocket?: boolean;
  /** Messages a second, each at its time, whatever has come back; their latency begins when they are due. */
  readonly rate?: number;
  /** A new connection for every message: a request is connect, message, echo, close. */
  readonly reconnect?: boolean;
  /** One datagram at a time asks for so many copies of itself as the case has messages in flight. */
  readonly copies?: boolean;
}

export function compilerMissing(): string | null {
  return compiler() === null ? 'a C compiler is needed for the load' : null;
}

export function buildEchoLoad(): void {
  const files = readdirSync(SOURCE_FOLDER).map((file) => join(SOURCE_FOLDER, file));
  compileC(
    BINARY,
    files.filter((file) => file.endsWith('.c')),
    files,
  );
}

export function echoLoad(options: EchoLoadOptions = {}): Load {
  return {
    name: BINARY,
    unavailable: compilerMissing,
    build: buildEchoLoad,
    run: (run) => runEchoLoad(run, options),
  };
}

/** What a program prints; rejects with its standard error when it fails or takes too long. */
export function printedBy(command: Command, cores: string | null, seconds: number) {
  const { program, args } = pinned(command, cores);
  const timeout = Math.ceil((seconds + GRACE_SECONDS) * 1000);
  const options = { timeout, env: environment(command), cwd: PROJECT_FOLDER } as const;
  return new Promise<string>((resolve, reject) => {
    execFile(program, args, { ...options, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.trim() || `the load ended with ${error.signal ?? error.code}`));
    });
  });
}

async function runEchoLoad(run: LoadRun, options: EchoLoadOptions): Promise<LoadResult> {
  const command = { program: ECHO_LOAD, args: argumentsFor(run, options) };
  const output = await printedBy(command, run.cores, run.warmupSeconds + run.seconds);
  const { errors, serverCpuSeconds, ...result } = JSON.parse(output) as EchoLoadOutput;
  if (errors !== 0 || serverCpuSeconds === null) throw new Error(`unusable figures: ${output}`);
  if (options.reconnect) return { ...result, serverCpuSeconds };
  const frameBytes = run.case.size + (options.lengthField ? 4 : options.websocket ? 2 : 0);
  const counted = { ...result, serverCpuSeconds, requests: result.bytes / frameBytes };
  // Between messages on a schedule the load sleeps: what it pays for is its wake-ups.
  const loadVaries = options.copies === true || options.rate !== undefined;
  return loadVaries ? { ...counted, loadVaries } : counted;
}

function argumentsFor(run: LoadRun, options: EchoLoadOptions): string[] {
  const args = ['--protocol', run.endpoint.protocol, '--address', addressText(run.endpoint)];
  args.push('--connections', `${run.case.connections}`, '--size', `${run.case.size}`);
  args.push(options.copies ? '--copies' : '--pipeline', `${run.case.pipeline}`);
  args.push('--warmup', `${run.warmupSeconds}`);
  args.push('--seconds', `${run.seconds}`);
  for (const pid of run.serverPids) args.push('--watch-pid', `${pid}`);
  for (const pid of run.companionPids) args.push('--companion-pid', `${pid}`);
  if (options.rate !== undefined) args.push('--rate', `${options.rate}`);
  if (options.lengthField) args.push('--length-field');
  if (options.websocket) args.push('--websocket');
  if (options.reconnect) args.push('--reconnect');
  return args;
}
