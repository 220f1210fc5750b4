import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** Systems whose kernel spreads what comes over the sockets of one port: libuv refuses the others. */
const spreading: ReadonlySet<string> = new Set(['linux', 'freebsd', 'dragonfly', 'sunos', 'aix']);

/**
 * Why several of the runtime's own sockets cannot share a port here; null where they can. Node before
 * 22.12 and 23.1 would leave the option out without a word.
 */
export function reusePortMissing(
  system: string = process.platform,
  version: string = process.versions.node,
): string | null {
  if (!spreading.has(system)) {
    return 'this system does not spread what comes over several sockets of one port';
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isKnown = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return isKnown
    ? null
    : 'the sockets of this runtime do not know SO_REUSEPORT; Node 22.12 or newer does';
}

/** As `reusePortMissing`, of sockets for datagrams: Deno's `node:dgram` leaves the option out. */
export function datagramReusePortMissing(): string | null {
  if (process.versions['deno'] === undefined) return reusePortMissing();
  return 'the sockets for datagrams of this runtime do not know SO_REUSEPORT';
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

/**
 * What stands between the runtime and the program's file in the command that started this process. Deno
 * does not tell it: its rights and settings are taken from what the system has, where it has that.
 */
export function runtimeArguments(): readonly string[] {
  if (process.versions['deno'] === undefined) return process.execArgv;
  try {
    const [, ...command] = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
    return argumentsBeforeFile(command, process.argv.length - 2);
  } catch {
    return ['run'];
  }
}

/** @param own how many arguments of the program follow its file. */
export function argumentsBeforeFile(command: readonly string[], own: number): readonly string[] {
  return command.slice(0, Math.max(0, command.length - own - 1));
}

/**
 * Whether a program of this system can be told something by a signal. On Windows it can only be ended,
 * at once.
 */
export function hasSignals(known: object = constants.signals): boolean {
  return 'SIGUSR2' in known;
}
