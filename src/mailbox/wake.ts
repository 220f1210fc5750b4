import { writeSync } from 'node:fs';
import { control, type LoopMemory } from './loop-memory.ts';

/** What an eventfd wants to be given: the number 1 in eight bytes. */
const one = new Uint8Array(8);
new BigUint64Array(one.buffer)[0] = 1n;

/** Looked at after the bit of a lane was set, or seen to be: a loop that is to sleep looks the other way. */
export function mayBeAsleep(memory: LoopMemory): boolean {
  return (Atomics.load(memory.words, control.sleepTicket) & 1) === 1;
}

/**
 * Wakes the loop if it may sleep. By the file functions of the runtime, so that this works in
 * threads that may not use an FFI. The caller must hold the lane's `signalling` word: only then is
 * the descriptor certain to be the loop's.
 *
 * The ticket is moved on after the wake, so that others need not wake the same sleep again. If a
 * thread dies in between, the loop is merely woken twice.
 */
export function wakeIfAsleep(memory: LoopMemory): void {
  const { words } = memory;
  const ticket = Atomics.load(words, control.sleepTicket);
  if ((ticket & 1) === 0) return;
  const descriptor = Atomics.load(words, control.wakeDescriptor) - 1;
  if (descriptor < 0) Atomics.notify(words, control.sleepTicket);
  else writeSync(descriptor, one);
  Atomics.compareExchange(words, control.sleepTicket, ticket, (ticket + 1) | 0);
}

/**
 * For a loop without a wake descriptor, which sleeps in the runtime: calls `wake` when another thread
 * asks for it. Returns what ends that. Keeps no process alive.
 */
export function whenAskedToWake(memory: LoopMemory, wake: () => void): () => void {
  const { words } = memory;
  let over = false;
  const wait = (): void => {
    while (!over) {
      // The loop itself moves the ticket on without a notice: any value will do to wait on.
      const ticket = Atomics.load(words, control.sleepTicket);
      const outcome = Atomics.waitAsync(words, control.sleepTicket, ticket);
      if (!outcome.async) continue;
      void outcome.value.then(() => {
        if (!over) wake();
        wait();
      });
      return;
    }
  };
  wait();
  return () => {
    over = true;
    Atomics.notify(words, control.sleepTicket);
  };
}
