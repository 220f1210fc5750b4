import { addressAt, foreignInterface, nullAddress } from '../../ffi/index.ts';
import type { LeftMapping } from '../descriptor-ledger.ts';
import { kind, kindShift } from './completion-tags.ts';
import { completionWords, resultWord, tagWord } from './completion-queue.ts';

/**
 * Connections that the kernel has accepted for a thread which was gone before it looked. Its ring takes
 * nothing any more: with the thread all of its operations have ended.
 */
export function acceptedAndLeft({ address, byteLength, completions }: LeftMapping): number[] {
  if (completions === null) return [];
  const memory = foreignInterface.view(addressAt(nullAddress, address), byteLength);
  const words = new Int32Array(memory);
  const accepted: number[] = [];
  const tail = words[completions.tail] as number;
  for (let at = words[completions.head] as number; at !== tail; at = (at + 1) | 0) {
    const from = completions.first + (at & (completions.entries - 1)) * completionWords;
    const result = words[from + resultWord] as number;
    const isAccept = (words[from + tagWord] as number) >>> kindShift === kind.accept;
    if (isAccept && result >= 0) accepted.push(result);
  }
  return accepted;
}
