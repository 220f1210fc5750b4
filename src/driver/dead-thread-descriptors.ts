import { loadPlatform } from '../platform/index.ts';
import type { NativeCalls } from './backend.ts';

/** What a thread that is gone had open and mapped. */
export interface LeftBehind {
  readonly descriptors: readonly number[];
  readonly mappings: readonly { readonly address: number; readonly byteLength: number }[];
}

let native: NativeCalls | null = null;

/**
 * Closes and unmaps it; by one thread, once. Where nothing native was used there is nothing, and no FFI
 * is looked for: the sockets of a runtime end with their thread.
 */
export function closeLeftBehind(left: LeftBehind): void {
  if (left.descriptors.length === 0 && left.mappings.length === 0) return;
  if (native !== null) closeBy(native, left);
  else void loadNative().then((calls) => closeBy(calls, left));
}

/** A thread had descriptors, so that there is an FFI in this process. */
async function loadNative(): Promise<NativeCalls> {
  await loadPlatform();
  const { nativeCalls } = await import('./native/native-calls.ts');
  native = nativeCalls;
  return nativeCalls;
}

function closeBy(calls: NativeCalls, { descriptors, mappings }: LeftBehind): void {
  for (const { address, byteLength } of mappings) calls.unmapLeftMemory(address, byteLength);
  for (const descriptor of descriptors) calls.closeDescriptor(descriptor);
}
