/** Systems that can; the BSD kin and Windows have calls of their own, macOS has none. */
const affinity: Readonly<Record<string, () => Promise<{ pinToAllowedCpu(at: number): boolean }>>> =
  {
    linux: () => import('../syscall/linux/affinity.ts'),
  };

/**
 * Keeps this thread on one of the CPUs that it may use, chosen by the number of its loop. False where
 * that cannot be done: no FFI, no such call of the system, or a host that forbids it.
 */
export async function pinThread(loop: number): Promise<boolean> {
  try {
    const calls = await affinity[process.platform]?.();
    return calls?.pinToAllowedCpu(loop) ?? false;
  } catch {
    return false;
  }
}
