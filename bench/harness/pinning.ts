/** Which core the server and the load generator run on. */

import { readFileSync } from 'node:fs';
import { type Command, hasTool } from './command.ts';

export interface Pinning {
  /** Lists of cores as `taskset -c` takes them; null leaves the choice to the kernel. */
  readonly server: string | null;
  readonly load: string | null;
  /** What a reader of the figures has to know when cores are not separate. */
  readonly warning: string | null;
}

/**
 * The server on one core and the load on another, so that neither takes time from the other.
 * A runtime's helper threads inherit the server's core: their work is part of its cost.
 * Without a wish it is the first cores that this process may use, and the load has the next one;
 * a server of several cores shares its last one when there is no further.
 */
export function choosePinning(
  wish: { server?: string; load?: string } = {},
  serverCores = 1,
): Pinning {
  const unpinned = { server: null, load: null };
  if (!hasTool('taskset')) {
    return { ...unpinned, warning: 'taskset is missing: nothing is pinned to a core' };
  }
  const cores = usableCores();
  const server = wish.server ?? (cores.slice(0, serverCores).join() || undefined);
  const load = wish.load ?? cores[serverCores] ?? (serverCores > 1 ? cores.at(-1) : undefined);
  if (server === undefined || load === undefined) {
    return { ...unpinned, warning: 'one core only: server and load share it' };
  }
  const shared = server.split(',').includes(load);
  const warning = shared ? `core ${load} is shared by server and load` : null;
  return { server, load, warning };
}

/** The cores that the kernel lets this process use, which in a container may not start at 0. */
function usableCores(): string[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [from, to] = range.split('-').map(Number);
    if (from === undefined || Number.isNaN(from)) return [];
    return Array.from({ length: (to ?? from) - from + 1 }, (_, index) => String(from + index));
  });
}

/** The same command on the given cores; taskset replaces itself, so the process id stays. */
export function pinned(command: Command, cores: string | null): Command {
  if (cores === null) return command;
  return { ...command, program: 'taskset', args: ['-c', cores, command.program, ...command.args] };
}
