/**
 * The slice of a thread: how long it may run before the scheduler looks for another one. It takes nothing
 * away from the thread's share of the CPU. But whoever wakes up with a shorter one goes first, at once, so
 * that a process with long slices works where nobody else wants to. Linux has them since 6.12.
 */
import { readdirSync } from 'node:fs';
import { scratch } from './memory.ts';
import { schedulingRaw } from './system-calls.ts';

/** SCHED_OTHER and SCHED_BATCH: who has asked for another policy keeps what it asked for. */
const fairPolicies: readonly number[] = [0, 3];

/** The longest that the kernel gives, and the shortest. */
const longestNs = 100_000_000n;
const shortestNs = 100_000n;

/**
 * @param thread 0 is the calling one.
 * @returns nanoseconds; 0 where threads have no slice of their own, or none that may be changed.
 */
export function readSlice(thread: number): bigint {
  if (schedulingRaw === undefined) return 0n;
  const { read, byteLength, policyOffset, runtimeOffset } = schedulingRaw;
  scratch.bytes.fill(0, 0, byteLength);
  // ESRCH: it has ended; ENOSYS or EPERM: a host that forbids it.
  if (read(thread, scratch.address) < 0) return 0n;
  const policy = scratch.view.getUint32(policyOffset, true);
  return fairPolicies.includes(policy) ? scratch.view.getBigUint64(runtimeOffset, true) : 0n;
}

/** 0 is what the kernel gives by itself. Nothing happens where `readSlice` says 0. */
function writeSlice(thread: number, ns: bigint): void {
  if (schedulingRaw === undefined || readSlice(thread) === 0n) return;
  scratch.view.setUint32(0, schedulingRaw.byteLength, true);
  scratch.view.setBigUint64(schedulingRaw.runtimeOffset, ns, true);
  // It only goes on as before where that fails.
  schedulingRaw.write(thread, scratch.address);
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    // It has ended, or /proc is not mounted.
    return [pid];
  }
}

/**
 * From now on everybody else goes before a process that has just been started, and before the threads
 * that it starts; until what is returned is called. Then it has the slice that the calling thread has.
 */
export function letOthersFirst(pid: number): () => void {
  if (readSlice(pid) === 0n) return () => {};
  writeSlice(pid, longestNs);
  return () => {
    const ours = readSlice(0);
    for (const thread of threadsOf(pid)) writeSlice(thread, ours);
  };
}

/**
 * The calling thread goes before everybody else when it wakes up, until what is returned is called. A
 * process that it starts meanwhile has its slice, too.
 */
export function goFirst(): () => void {
  const before = readSlice(0);
  if (before === 0n) return () => {};
  writeSlice(0, shortestNs);
  return () => writeSlice(0, before);
}

/** Whoever was started so, and has nobody who would call that: it has the slice of everybody. */
export function waitForNobody(): void {
  if (readSlice(0) !== longestNs) return;
  for (const thread of threadsOf(process.pid)) writeSlice(thread, 0n);
}
