/** Messages over WebSockets, each sent when the one before has come to everybody; and idle WebSockets. */

import { fileURLToPath } from 'node:url';
import { compilerMissing } from './echo-load.ts';
import { buildWindow, runInWindow } from './foreign-load.ts';
import { hold } from './hold-load.ts';
import type { Load, LoadResult, LoadRun } from './load.ts';

const CLIENT = fileURLToPath(new URL('../load/websocket-client.ts', import.meta.url));

export interface WebSocketOutput {
  readonly requests: number;
  readonly seconds: number;
  readonly latencyUs: LoadResult['latencyUs'];
  /** From when everybody was there. */
  readonly serverCpuSeconds: number;
}

export function websocketFanoutLoad(): Load {
  return {
    name: 'websocket-client',
    unavailable: compilerMissing,
    build: buildWindow,
    async run(run) {
      if (run.warmupSeconds > 0) await runClient(run, run.warmupSeconds);
      return runClient(run, run.seconds);
    },
  };
}

/** Idle WebSockets, each of which has had one echo. */
export function websocketHoldLoad(): Load {
  return {
    name: 'websocket-client',
    unavailable: () => null,
    build() {},
    run: (run) =>
      hold(run, ({ endpoint }, connections) => {
        if (endpoint.protocol !== 'tcp') throw new Error('WebSockets are measured over TCP');
        return {
          program: process.execPath,
          args: [CLIENT, `${endpoint.port}`, `${connections}`, 'hold'],
        };
      }),
  };
}

async function runClient(run: LoadRun, seconds: number): Promise<LoadResult> {
  const { endpoint } = run;
  if (endpoint.protocol !== 'tcp') throw new Error('WebSockets are measured over TCP');
  const { connections, size } = run.case;
  const args = [CLIENT, `${endpoint.port}`, `${connections}`, `${size}`, `${seconds}`];
  args.push(run.serverPids.join(','));
  const load = { program: process.execPath, args };
  const { output, window } = await runInWindow(run, load, seconds);
  const found = JSON.parse(output.trimEnd().split('\n').pop() ?? '') as WebSocketOutput;
  return { ...window, ...found, bytes: found.requests * size, lost: 0 };
}
