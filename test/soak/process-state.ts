/** What this process holds: the two things that must not grow. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessState {
  readonly descriptors: number;
  /** Resident memory in bytes, after collecting garbage. */
  readonly rss: number;
}

const mebibyte = 1_024 * 1_024;

export function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}

/** Open descriptors of this process, less the one that looking at the directory takes. */
function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1;
}

/**
 * Collects garbage until that frees nothing more: finalizers run between two collections, and free
 * memory whose owner the first one found.
 */
export async function settledState(): Promise<ProcessState> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('soaks need --expose-gc: run them with npm run soak');
  let rss = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    collect();
    await sleep(50);
    const now = process.memoryUsage.rss();
    if (round >= 3 && now >= rss) break;
    rss = Math.min(rss, now);
  }
  return { descriptors: openDescriptors(), rss };
}

/** @throws Error when descriptors or memory grew between the two. */
export function mustBeFlat(
  before: ProcessState,
  after: ProcessState,
  allowedBytes: number,
): string {
  const grown = after.rss - before.rss;
  const facts =
    `descriptors ${before.descriptors} -> ${after.descriptors}, RSS ${mebibytes(before.rss)} -> ` +
    `${mebibytes(after.rss)} (${mebibytes(allowedBytes)} more are allowed)`;
  if (after.descriptors > before.descriptors || grown > allowedBytes) {
    throw new Error(`the process grew: ${facts}`);
  }
  return facts;
}
