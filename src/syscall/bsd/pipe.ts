import { addressAt, foreignInterface, word } from '../../ffi/index.ts';
import { closeDescriptor, madeOwn } from '../descriptor.ts';
import { resultOf, syscallError } from '../last-errno.ts';
import { mapMemory } from '../memory.ts';

const pipeRaw = foreignInterface.lookup('pipe', 1);
const readRaw = foreignInterface.lookup('read', 3);
const writeRaw = foreignInterface.lookup('write', 3);

/** Bytes that one read takes away: more wakes than anybody leaves behind. */
const readBytes = 1_024;
const memory = mapMemory(16 + readBytes);
const readAddress = addressAt(memory.address, 16);

/**
 * Both ends, the one to read from first; close-on-exec and non-blocking.
 * @throws SyscallError EMFILE, ENFILE, with nothing left open. pipe(2)
 */
export function openPipe(): readonly [number, number] {
  const view = new Int32Array(memory.buffer, 0, 2);
  const result = resultOf(pipeRaw(memory.address));
  if (result < 0) throw syscallError('pipe', -result, 'make a wake pipe');
  const [reads = -1, writes = -1] = view;
  const first = madeOwn(reads);
  const second = madeOwn(writes);
  const failed = Math.min(first, second, 0);
  if (failed === 0) return [reads, writes];
  for (const one of [first, second]) if (one >= 0) closeDescriptor(one);
  throw syscallError('fcntl', -failed, 'make a wake pipe');
}

/** EAGAIN (the pipe is full) is as good: it is readable. */
export function writeWake(descriptor: number): void {
  writeRaw(word(descriptor), memory.address, word(1));
}

export function clearWakes(descriptor: number): void {
  readRaw(word(descriptor), readAddress, word(readBytes));
}
