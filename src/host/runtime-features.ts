/**
 * Whether the runtime's own sockets know SO_REUSEPORT: Node from 22.12 and 23.1 on. Older ones would
 * leave the option out without a word.
 */
export function knowsReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** As `knowsReusePort`, of sockets for datagrams: Deno's `node:dgram` leaves the option out. */
export function knowsReusePortOfDatagrams(): boolean {
  return knowsReusePort() && process.versions['deno'] === undefined;
}

/** Whether the runtime forks to start a program: Bun and Deno have better ways. */
export function copiesToSpawn(): boolean {
  return process.versions['bun'] === undefined && process.versions['deno'] === undefined;
}

/**
 * Whether the Permission Model keeps the runtime's own sockets from this process. Versions without
 * the flag let everybody use them, though they say no when asked.
 */
export function networkForbidden(): boolean {
  const { permission } = process;
  if (permission === undefined || !process.allowedNodeEnvironmentFlags.has('--allow-net')) {
    return false;
  }
  return !permission.has('net');
}

/**
 * A clock of the milliseconds for which this thread has slept: it starts anywhere and only goes on. By
 * the runtime's own account, or, where it keeps none, as the time in which the thread used no CPU.
 */
export function sleepClock(): () => number {
  if (typeof performance.eventLoopUtilization === 'function') {
    return () => performance.eventLoopUtilization().idle;
  }
  if (typeof process.threadCpuUsage !== 'function') return () => 0;
  return () => {
    const { user, system } = process.threadCpuUsage();
    return performance.now() - (user + system) / 1_000;
  };
}
