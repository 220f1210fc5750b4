import { Random } from 'gnet/testing';
import type { Soak, SoakContext } from './contract.ts';
import { mustBeFlat, settledState } from './process-state.ts';

/** A session takes some 20 KiB: one that was forgotten in a thousand would show. */
const allowedBytes = 16 * 1_024 * 1_024;

/** Runs between two turns of the runtime. */
const batch = 1_000;

async function run({ small, seed, progress, note }: SoakContext): Promise<void> {
  const { helloFuzz } = await import('../../testing/tls-hello-fuzz.ts');
  const fuzz = helloFuzz(new Random(seed));
  // `GNET_FUZZ_RUNS` for a part of them: the seed then says which.
  const runs = small ? 3_000 : Number(process.env['GNET_FUZZ_RUNS'] ?? 1_000_000);
  const some = async (from: number, to: number): Promise<void> => {
    for (let done = from; done < to; done++) {
      fuzz.once();
      if (done % batch !== 0) continue;
      progress(done / runs, `${done} hellos`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await some(0, runs / 10);
  const before = await settledState();
  await some(runs / 10, runs);
  fuzz.end();
  const facts = mustBeFlat(before, await settledState(), allowedBytes);
  const outcomes = [...fuzz.outcomes].map(([name, count]) => `${name} ${count}`).join(', ');
  note(`${runs} hellos: ${outcomes}; ${facts}`);
}

export const hellos: Soak = {
  name: 'hellos',
  title: 'a million changed client hellos, which end in typed errors only',
  run,
};
