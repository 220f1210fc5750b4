import { addressAt, foreignInterface, word } from '../../ffi/index.ts';
import { resultOf, syscallError } from '../last-errno.ts';
import { mapMemory } from '../memory.ts';
import { constants } from './tables.ts';

const eventfdRaw = foreignInterface.lookup('eventfd', 2);
const readRaw = foreignInterface.lookup('read', 3);
const writeRaw = foreignInterface.lookup('write', 3);

/** A counter whose readiness wakes a wait. @throws SyscallError EMFILE, ENFILE. eventfd(2) */
export function eventDescriptor(): number {
  const flags = constants.EFD_CLOEXEC | constants.EFD_NONBLOCK;
  const result = resultOf(eventfdRaw(word(0), word(flags)));
  if (result < 0) throw syscallError('eventfd', -result, 'make a wake descriptor');
  return result;
}

const counter = mapMemory(16);
const counterRead = addressAt(counter.address, 8);
new Int32Array(counter.buffer)[0] = 1;

/** Adds 1. EAGAIN (the counter is full) is as good: the descriptor is readable. */
export function signalEvent(descriptor: number): void {
  writeRaw(word(descriptor), counter.address, word(8));
}

/** Back to 0. EAGAIN: it was 0 already, another wait consumed it. */
export function clearEvent(descriptor: number): void {
  readRaw(word(descriptor), counterRead, word(8));
}
