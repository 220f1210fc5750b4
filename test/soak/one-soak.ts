/** One soak, in the process that `soak.ts` starts for it. */
import { seedOfRun } from '../../src/driver/simulated/random.ts';
import type { Held, SoakContext } from './contract.ts';
import { soaks } from './soaks.ts';
import { Trace } from './trace.ts';

const [name, form, part = '', set = '', traceFile = ''] = process.argv.slice(2);
const soak = soaks.find((one) => one.name === name);
if (soak === undefined) throw new Error(`there is no soak named '${name}'`);

const terminal = process.stdout.isTTY === true;
const what = set === '' ? soak.name : `${soak.name}, ${set}`;
const driver = process.env['GNET_DRIVER'];
const title = driver === undefined ? what : `${what}, on ${driver}`;
const trace = traceFile === '' ? null : new Trace(traceFile, title);
/** Without a terminal a line every tenth is enough. */
let nextLine = 0;

function progress(done: number, text: string, held?: Held): void {
  trace?.take(done, held);
  const line = `  ${name}: ${Math.floor(done * 100)} % ${text}`;
  if (terminal) {
    process.stdout.write(`\r\u001b[K${line}`);
  } else if (done >= nextLine) {
    nextLine = done + 0.1;
    process.stdout.write(`${line}\n`);
  }
}

function note(text: string): void {
  process.stdout.write(`${terminal ? '\r\u001b[K' : ''}  ${name}: ${text}\n`);
}

const words = part.split(',').filter((word) => word !== '');
const settings = new Map(
  set.split(',').map((each) => {
    const [key = '', value = ''] = each.split('=');
    return [key, Number(value)] as const;
  }),
);
const context: SoakContext = {
  small: form === 'small',
  seed: seedOfRun(),
  wants: (called) => words.every((word) => called.includes(word)),
  setting: (called, otherwise) => settings.get(called) ?? otherwise,
  progress,
  note,
};
try {
  await soak.run(context);
  trace?.save();
  process.exit(0);
} catch (error) {
  note(`failed (GNET_SEED=${context.seed} repeats it)`);
  console.error(error);
  process.exit(1);
}
