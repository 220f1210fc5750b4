/**
 * Runs for minutes what the tests run for moments, and looks at what only shows then: lost bytes,
 * descriptors and memory that grow.
 *
 *     npm run soak                               all of them
 *     npm run soak -- --only echo,churn          some of them
 *     npm run soak -- --small                    each for a few seconds, as the tests do
 *     npm run soak -- --only restart --part tls  what of it has these words in its name, for those in parts
 *     npm run soak -- --only restart --set restarts=5,streamMiB=16   with other numbers, where it has such
 *     npm run soak -- --only churn --runtime bun   the server under Bun, or deno; the clients under Node
 *     npm run soak -- --only churn --trace churn    what it held all the while: churn.tsv, churn.svg
 *     GNET_SEED=1 npm run soak -- --only echo    the same random choices again
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  flagsOf,
  otherRuntime,
  type RuntimeName,
  runtimeNames,
} from '../../scripts/other-runtime.ts';
import { nodeVariable } from './client-process.ts';
import type { Soak } from './contract.ts';
import { soaks } from './soaks.ts';

const names = soaks.map((soak) => soak.name).join(', ');

function chosen(only: string | undefined): readonly Soak[] {
  if (only === undefined) return soaks;
  return only.split(',').map((name) => {
    const soak = soaks.find((one) => one.name === name);
    if (soak === undefined) throw new Error(`--only ${name}: there is no such soak, only ${names}`);
    return soak;
  });
}

interface Wanted {
  readonly small: boolean;
  readonly part: string;
  readonly set: string;
  readonly runtime: string;
  readonly trace: string;
}

/** Arguments in front of a file, for a runtime whose garbage can be collected when we say so. */
const collecting: Readonly<Record<RuntimeName, readonly string[]>> = {
  bun: ['--expose-gc'],
  // As below for Node.
  deno: ['--v8-flags=--expose-gc,--max-semi-space-size=2'],
};

function commandOf(name: string): readonly [program: string, flags: readonly string[]] {
  if (name === 'node') {
    const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
    // V8 makes the room for young objects larger and smaller as it likes, by more than a soak allows.
    return [process.execPath, [...flags, '--max-semi-space-size=2', '--expose-gc']];
  }
  const runtime = runtimeNames.find((known) => known === name);
  const program = runtime && otherRuntime(runtime);
  if (runtime === undefined || program === undefined) {
    throw new Error(
      `--runtime ${name}: only node, ${runtimeNames.join(', ')}, if it can be installed`,
    );
  }
  return [program, [...flagsOf(runtime), ...collecting[runtime]]];
}

async function passes(soak: Soak, { small, part, set, runtime, trace }: Wanted): Promise<boolean> {
  const script = fileURLToPath(new URL('one-soak.ts', import.meta.url));
  const [program, flags] = commandOf(runtime);
  const parameters = [soak.name, small ? 'small' : 'whole', part, set, trace];
  const child = spawn(program, [...flags, script, ...parameters], {
    stdio: 'inherit',
    // The thread that looks for slow handlers starts when the machine is busy, and is no leak.
    env: { ...process.env, [nodeVariable]: process.execPath, GNET_SLOW_HANDLER: '0' },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code === 0;
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    small: { type: 'boolean', default: false },
    part: { type: 'string', default: '' },
    set: { type: 'string', default: '' },
    trace: { type: 'string', default: '' },
    runtime: { type: 'string', default: 'node' },
  },
});

let passed = 0;
let failed = 0;
for (const soak of chosen(values.only)) {
  const began = performance.now();
  console.log(`${soak.name}: ${soak.title}${values.small ? ' (much less of it)' : ''}`);
  const good = await passes(soak, values);
  if (good) passed++;
  else failed++;
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  console.log(`${good ? 'passed' : 'FAILED'} ${soak.name} after ${seconds} s`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
