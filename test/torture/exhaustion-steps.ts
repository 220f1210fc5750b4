/** What each process of `exhaustion.ts` does in the same way. */
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const lackMs = Number(process.argv[4] ?? 2_000);
let lines: Interface | undefined;

export const say = (what: object): void => console.log(JSON.stringify(what));

/** Whoever watches has done what was due. */
export async function nextLine(): Promise<void> {
  lines ??= createInterface(process.stdin);
  await once(lines, 'line');
}

/** Percent of one core. */
export async function cpuWhileWaiting(): Promise<number> {
  const before = process.cpuUsage();
  const began = performance.now();
  await sleep(lackMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10 / (performance.now() - began);
}
