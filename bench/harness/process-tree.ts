/** A server and the processes that it started, as /proc shows them. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second; Linux shows every program the same number. */
const TICKS_PER_SECOND = 100;

/** The process and everything below it; only itself where there is no /proc. */
export function processTree(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(processTree)];
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      numbers(readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')),
    );
  } catch {
    return [];
  }
}

function numbers(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}

/**
 * Resident memory now that the processes have filled themselves. Pages of their programs come and go: a
 * system that takes them from an idle process would make those that come back look like growth.
 */
export function filledBytes(pids: readonly number[]): number {
  return sumOf(pids, 'RssAnon') + sumOf(pids, 'RssShmem');
}

/** The peak counts from here on. What cannot be written keeps the peak of its life. proc_pid_clear_refs(5) */
export function forgetPeakResident(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {}
  }
}

/** The most that was resident since it was forgotten; null where there is no /proc. */
export function peakResidentBytes(pids: readonly number[]): number | null {
  try {
    return sumOf(pids, 'VmHWM');
  } catch {
    return null;
  }
}

function sumOf(pids: readonly number[], field: string): number {
  return pids.reduce((sum, pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`process ${pid} has no ${field}`);
    return sum + Number(kibibytes) * 1024;
  }, 0);
}

/** User and system time so far, in steps of 10 ms. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Behind the name, which may contain spaces: state is field 3, times are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}
