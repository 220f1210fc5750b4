/**
 * Keeps this thread on one of the CPUs that it may use, chosen by the number of its loop. False where
 * that cannot be done: no FFI, no such call of the system, or a host that forbids it.
 */
export async function pinThread(loop: number): Promise<boolean> {
  try {
    const { nativeCalls } = await import('./native/native-calls.ts');
    return nativeCalls.pinThread(loop);
  } catch {
    return false;
  }
}
