/** Our own load generator for echo servers, `bench/load/`, as the harness uses it. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, compileC, compiler } from './command.ts';
import type { Load, LoadResult, LoadRun } from './load.ts';
import type { Endpoint } from './peer.ts';
import { pinned } from './pinning.ts';

const SOURCE_FOLDER = fileURLToPath(new URL('../load/', import.meta.url));
const BINARY = 'echo-load';
/** Beyond its own warm-up, window and drain, before it counts as hanging. */
const GRACE_SECONDS = 30;

/** The line of JSON that the program prints. */
interface EchoLoadOutput extends Omit<LoadResult, 'serverCpuSeconds'> {
  readonly serverCpuSeconds: number | null;
  readonly errors: number;
}

export interface EchoLoadOptions {
  /** Puts a 4-byte big-endian length before every payload. */
  readonly lengthField?: boolean;
}

export function echoLoad(options: EchoLoadOptions = {}): Load {
  return {
    name: BINARY,
    unavailable: () => (compiler() === null ? 'a C compiler is needed for the load' : null),
    build() {
      const files = readdirSync(SOURCE_FOLDER).map((file) => join(SOURCE_FOLDER, file));
      compileC(
        BINARY,
        files.filter((file) => file.endsWith('.c')),
        files,
      );
    },
    run: (run) => runEchoLoad(run, options),
  };
}

async function runEchoLoad(run: LoadRun, options: EchoLoadOptions): Promise<LoadResult> {
  const { program, args } = pinned(
    { program: join(BUILD_FOLDER, BINARY), args: argumentsFor(run, options) },
    run.cores,
  );
  const timeout = (run.warmupSeconds + run.seconds + GRACE_SECONDS) * 1000;
  const output = await new Promise<string>((resolve, reject) => {
    execFile(program, args, { timeout, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr.trim() || `the load ended with ${error.signal ?? error.code}`));
    });
  });
  const { errors, serverCpuSeconds, ...result } = JSON.parse(output) as EchoLoadOutput;
  if (errors !== 0 || serverCpuSeconds === null) throw new Error(`unusable figures: ${output}`);
  const frameBytes = run.case.size + (options.lengthField ? 4 : 0);
  return { ...result, serverCpuSeconds, requests: result.bytes / frameBytes };
}

function argumentsFor(run: LoadRun, options: EchoLoadOptions): string[] {
  const args = ['--protocol', run.endpoint.protocol, '--address', addressText(run.endpoint)];
  args.push('--connections', `${run.case.connections}`, '--size', `${run.case.size}`);
  args.push('--pipeline', `${run.case.pipeline}`, '--warmup', `${run.warmupSeconds}`);
  args.push('--seconds', `${run.seconds}`, '--watch-pid', `${run.serverPid}`);
  if (options.lengthField) args.push('--length-field');
  return args;
}

function addressText(endpoint: Endpoint): string {
  return endpoint.protocol === 'unix' ? endpoint.path : `127.0.0.1:${endpoint.port}`;
}
