import { generationsMax, loopsMax, slotsMax } from '../base/limits.ts';

/** Names a connection for ever: loop, slot and generation in one structured-clonable number. */
export type ConnId = number;

/**
 *   52          32 31       20 19        0
 *   | generation  |   loop    |   slot   |
 *
 * The slot is used again after a close, the generation never: a slot whose generations are used up is
 * retired, so that an id names one connection for ever.
 */
export interface Identity {
  readonly loop: number;
  readonly slot: number;
  readonly generation: number;
}

export function toConnId(loop: number, slot: number, generation: number): ConnId {
  return (generation * loopsMax + loop) * slotsMax + slot;
}

/** The parts of an id, or null when it cannot be one. */
export function fromConnId(id: unknown): Identity | null {
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) return null;
  // No `%`: of numbers this large it is a call to the C library.
  const rest = Math.floor(id / slotsMax);
  const slot = id - rest * slotsMax;
  const generation = Math.floor(rest / loopsMax);
  const loop = rest - generation * loopsMax;
  return generation < generationsMax ? { loop, slot, generation } : null;
}
