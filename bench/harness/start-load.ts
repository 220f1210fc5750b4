/** From starting a process to its first echo; see `bench/watch/start.c`. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILD_FOLDER, type Command, compileC } from './command.ts';
import { printedBy } from './echo-load.ts';
import type { LoadResult } from './load.ts';
import { pinned } from './pinning.ts';

const BINARY = 'start';
const SOURCE = fileURLToPath(new URL('../watch/start.c', import.meta.url));
/** The program gives up by itself after this. */
const START_SECONDS = 30;
const SECOND_US = 1e6;

interface StartOutput {
  readonly seconds: number;
  readonly serverCpuSeconds: number;
  readonly residentBytes: number;
}

export function buildStart(): void {
  compileC(BINARY, [SOURCE]);
}

/** Starts a server and ends it after its first echo. */
export async function measureStart(
  server: Command,
  port: number,
  cores: { readonly server: string | null; readonly load: string | null },
): Promise<LoadResult & { readonly peakMemoryBytes: number }> {
  const { program, args } = pinned(server, cores.server);
  const command = {
    program: join(BUILD_FOLDER, BINARY),
    args: [`${port}`, '--', program, ...args],
    ...(server.env && { env: server.env }),
  };
  const found = JSON.parse(await printedBy(command, cores.load, START_SECONDS)) as StartOutput;
  const us = found.seconds * SECOND_US;
  return {
    requests: 1,
    bytes: 0,
    seconds: found.seconds,
    latencyUs: { p50: us, p99: us, p999: null, max: us },
    lost: 0,
    loadCpuSeconds: 0,
    serverCpuSeconds: found.serverCpuSeconds,
    peakMemoryBytes: found.residentBytes,
  };
}
