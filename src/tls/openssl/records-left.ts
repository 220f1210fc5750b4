import { recordBytesMax } from '../limits.ts';

/**
 * Of `encrypted` bytes, those in records that have not left as a whole: `queued` bytes of ciphertext
 * still wait, and each record has `overhead` bytes more than its plaintext. What TLS itself has sent
 * behind them counts as theirs.
 */
export function bytesNotLeft(encrypted: number, queued: number, overhead: number): number {
  const last = ((encrypted - 1) % recordBytesMax) + 1;
  const beforeLast = Math.max(0, queued - last - overhead);
  const records = Math.ceil(beforeLast / (recordBytesMax + overhead));
  return Math.min(encrypted, last + records * recordBytesMax);
}
