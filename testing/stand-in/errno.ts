import { addressAt, linuxErrno, linuxErrnoName, Memory } from './kernel.ts';

const memory = new Memory(64);
/** Where the stand-in's C library keeps errno. */
export const errnoAddress = addressAt(memory.address, 0);

let numbers: Readonly<Record<string, number>> = {};

export function useErrnoNumbers(table: Readonly<Record<string, number>>): void {
  numbers = table;
}

/** The system's number of that name. A name that it does not have is EINVAL, as kernels like it. */
export const errnoOf = (name: string): number => numbers[name] ?? numbers['EINVAL'] ?? 22;

/** The system's number of Linux's. */
export const errnoFromLinux = (number: number): number => errnoOf(linuxErrnoName(number));

/** Fails as the system does. */
export function failWith(errno: number): -1 {
  memory.view.setInt32(0, errno, true);
  return -1;
}

export const fail = (name: string): -1 => failWith(errnoOf(name));

/** What a call of Linux returned, with the errno of the stand-in. */
export function answer(result: number): number {
  return result < 0 ? failWith(errnoFromLinux(linuxErrno())) : result;
}
