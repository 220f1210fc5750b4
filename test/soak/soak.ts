/**
 * Runs for minutes what the tests run for moments, and looks at what only shows then: lost bytes,
 * descriptors and memory that grow.
 *
 *     npm run soak                               all of them
 *     npm run soak -- --only echo,churn          some of them
 *     npm run soak -- --small                    each for a few seconds, as the tests do
 *     npm run soak -- --only restart --part tls  what of it has these words in its name, for those in parts
 *     npm run soak -- --only restart --set restarts=5,streamMiB=16   with other numbers, where it has such
 *     GNET_SEED=1 npm run soak -- --only echo    the same random choices again
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
}

async function passes(soak: Soak, { small, part, set }: Wanted): Promise<boolean> {
  const script = fileURLToPath(new URL('one-soak.ts', import.meta.url));
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  // V8 makes the room for young objects larger and smaller as it likes, by more than a soak allows.
  flags.push('--max-semi-space-size=2');
  const parameters = [soak.name, small ? 'small' : 'whole', part, set];
  const child = spawn(process.execPath, [...flags, '--expose-gc', script, ...parameters], {
    stdio: 'inherit',
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
