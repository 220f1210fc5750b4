/** What this process holds, and what the kernel holds for it: what must not grow. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessState {
  readonly descriptors: number;
  /** Resident memory in bytes, after collecting garbage. */
  readonly rss: number;
  /** What the kernel of the whole machine holds for itself, in bytes: sockets, rings, stacks. */
  readonly kernel: number;
}

/**
 * Other processes count as well, and so do connections that TIME-WAIT keeps for a minute. What one
 * connection, or one server, left behind would be more than this after all of them.
 */
const kernelAllowedBytes = 48 * 1_024 * 1_024;
const kernelFields = ['SUnreclaim', 'Percpu', 'KernelStack', 'PageTables'];

const mebibyte = 1_024 * 1_024;

export function mebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}

function kernelBytes(): number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const kibibytes = kernelFields.map(
    (field) => new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0,
  );
  return kibibytes.reduce<number>((sum, each) => sum + Number(each) * 1_024, 0);
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
  return { descriptors: openDescriptors(), rss, kernel: kernelBytes() };
}

/** @throws Error when descriptors, memory or the kernel's memory grew between the two. */
export function mustBeFlat(
  before: ProcessState,
  after: ProcessState,
  allowedBytes: number,
): string {
  const grown = after.rss - before.rss;
  const facts =
    `descriptors ${before.descriptors} -> ${after.descriptors}, RSS ${mebibytes(before.rss)} -> ` +
    `${mebibytes(after.rss)} (${mebibytes(allowedBytes)} more are allowed), kernel ` +
    `${mebibytes(before.kernel)} -> ${mebibytes(after.kernel)}`;
  const kernelGrown = after.kernel - before.kernel > kernelAllowedBytes;
  if (after.descriptors > before.descriptors || grown > allowedBytes || kernelGrown) {
    throw new Error(`the process grew: ${facts}`);
  }
  return facts;
}
