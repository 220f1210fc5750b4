import { addressAt, foreignInterface, word } from '../../ffi/index.ts';
import { resultOf } from '../last-errno.ts';
import { scratch } from '../memory.ts';

const getAffinityRaw = foreignInterface.lookup('sched_getaffinity', 3);
const setAffinityRaw = foreignInterface.lookup('sched_setaffinity', 3);

/** A part of the scratch page; 8,192 CPUs. */
const maskBytes = 1_024;
const maskOffset = 2_048;
const maskAddress = addressAt(scratch.address, maskOffset);
/** "This thread." */
const self = word(0);

/** The numbers of the CPUs that this thread may run on; empty when that cannot be known. */
function allowedCpus(): number[] {
  scratch.bytes.fill(0, maskOffset, maskOffset + maskBytes);
  if (resultOf(getAffinityRaw(self, word(maskBytes), maskAddress)) < 0) return [];
  const cpus: number[] = [];
  for (let cpu = 0; cpu < maskBytes * 8; cpu++) {
    const byte = scratch.bytes[maskOffset + (cpu >>> 3)] as number;
    if ((byte & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/** 0 or minus an errno. sched_setaffinity(2) */
function pinToCpu(cpu: number): number {
  scratch.bytes.fill(0, maskOffset, maskOffset + maskBytes);
  scratch.bytes[maskOffset + (cpu >>> 3)] = 1 << (cpu & 7);
  return resultOf(setAffinityRaw(self, word(maskBytes), maskAddress));
}

/** Keeps this thread on the CPU of that number among those it may run on; false when that fails. */
export function pinToAllowedCpu(at: number): boolean {
  const cpus = allowedCpus();
  const cpu = cpus[at % cpus.length];
  return cpu !== undefined && pinToCpu(cpu) === 0;
}
