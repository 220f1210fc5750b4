/** The load generator for echo servers with TLS, `bench/load-tls/`: as `echo-load`, by OpenSSL. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, compileC, compiler, hasHeader } from './command.ts';
import { type EchoLoadOutput, printedBy } from './echo-load.ts';
import { addressText, type Load, type LoadResult, type LoadRun } from './load.ts';
import { makeTlsFiles } from './tls-files.ts';

const BINARY = 'tls-load';
export const TLS_LOAD: string = join(BUILD_FOLDER, BINARY);
const SOURCE = fileURLToPath(new URL('../load-tls/tls-load.c', import.meta.url));
const SHARED_FOLDER = fileURLToPath(new URL('../load/', import.meta.url));
const SHARED = ['options.c', 'measurement.c', 'pattern.c'];

export interface TlsLoadOptions {
  /** A new connection for every message: a handshake, an echo, an end. */
  readonly reconnect?: boolean;
  /** With `reconnect`: sessions are resumed. */
  readonly resume?: boolean;
}

export function opensslMissing(): string | null {
  if (compiler() === null) return 'a C compiler is needed';
  return hasHeader('openssl/ssl.h') ? null : 'the headers of OpenSSL are missing (libssl-dev)';
}

export function buildTlsLoad(): void {
  makeTlsFiles();
  const inputs = readdirSync(SHARED_FOLDER).map((file) => join(SHARED_FOLDER, file));
  const sources = [SOURCE, ...SHARED.map((file) => join(SHARED_FOLDER, file))];
  compileC(BINARY, sources, [SOURCE, ...inputs], ['-lssl', '-lcrypto']);
}

export function tlsLoad(options: TlsLoadOptions = {}): Load {
  return {
    name: BINARY,
    unavailable: opensslMissing,
    build: buildTlsLoad,
    run: (run) => runTlsLoad(run, options),
  };
}

async function runTlsLoad(run: LoadRun, options: TlsLoadOptions): Promise<LoadResult> {
  const args = ['--address', addressText(run.endpoint), '--size', `${run.case.size}`];
  args.push('--connections', `${run.case.connections}`, '--warmup', `${run.warmupSeconds}`);
  args.push('--seconds', `${run.seconds}`);
  for (const pid of run.serverPids) args.push('--watch-pid', `${pid}`);
  for (const pid of run.companionPids) args.push('--companion-pid', `${pid}`);
  if (options.reconnect) args.push('--reconnect');
  const env: Record<string, string> = options.resume ? { TLS_LOAD_RESUME: '1' } : {};
  const command = { program: TLS_LOAD, args, env };
  const output = await printedBy(command, run.cores, run.warmupSeconds + run.seconds);
  const { errors, serverCpuSeconds, ...result } = JSON.parse(output) as EchoLoadOutput;
  if (errors !== 0 || serverCpuSeconds === null) throw new Error(`unusable figures: ${output}`);
  if (options.reconnect) return { ...result, serverCpuSeconds };
  return { ...result, serverCpuSeconds, requests: result.bytes / run.case.size };
}
