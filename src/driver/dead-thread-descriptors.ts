import type { NativeCalls } from './backend.ts';
import type { LeftMapping } from './descriptor-ledger.ts';

/** What a thread that is gone had open and mapped. */
export interface LeftBehind {
  readonly descriptors: readonly number[];
  readonly mappings: readonly LeftMapping[];
}

interface Means {
  readonly calls: NativeCalls;
  readonly acceptedAndLeft: (mapping: LeftMapping) => readonly number[];
}

let means: Means | null = null;

/**
 * Closes and unmaps it; by one thread, once. Where nothing native was used there is nothing, and no FFI
 * is looked for: the sockets of a runtime end with their thread.
 */
export function closeLeftBehind(left: LeftBehind): void {
  if (left.descriptors.length === 0 && left.mappings.length === 0) return;
  if (means !== null) closeBy(means, left);
  else void loadMeans().then((loaded) => closeBy(loaded, left));
}

/** A thread had descriptors, so that there is an FFI in this process. Mappings are those of rings. */
async function loadMeans(): Promise<Means> {
  const { nativeCalls } = await import('./native/native-calls.ts');
  means = {
    calls: nativeCalls,
    acceptedAndLeft: await looksIntoRings(),
  };
  return means;
}

async function looksIntoRings(): Promise<Means['acceptedAndLeft']> {
  if (process.platform !== 'linux') return () => []; // no other system has such rings
  return (await import('./io-uring/left-completions.ts')).acceptedAndLeft;
}

function closeBy({ calls, acceptedAndLeft }: Means, { descriptors, mappings }: LeftBehind): void {
  // Some may be written down already: the thread was looking at them.
  const open = new Set(descriptors);
  for (const mapping of mappings) for (const one of acceptedAndLeft(mapping)) open.add(one);
  for (const { address, byteLength } of mappings) calls.unmapLeftMemory(address, byteLength);
  for (const descriptor of open) calls.closeDescriptor(descriptor);
}
