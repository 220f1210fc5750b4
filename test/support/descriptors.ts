import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { waitUntil } from './wait-until.ts';

/** What the descriptors of this process are, without the one that lists them: `socket:[123]`, ... */
export function openDescriptors(): string[] {
  const found: string[] = [];
  for (const number of readdirSync('/proc/self/fd')) {
    try {
      found.push(`${number} ${readlinkSync(`/proc/self/fd/${number}`)}`);
    } catch {
      // The descriptor with which the directory itself was read.
    }
  }
  return found;
}

/** Waits for clients to be gone, too; says which descriptors are new when they stay. */
export async function assertNoNewDescriptors(before: readonly string[]): Promise<void> {
  const known = new Set(before);
  const fresh = (): string[] => openDescriptors().filter((one) => !known.has(one));
  await waitUntil(() => fresh().length === 0, 'no new descriptor').catch(() => {});
  assert.deepEqual(fresh(), []);
}
