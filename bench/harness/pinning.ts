/** Which core the server and the load generator run on. */

import { availableParallelism } from 'node:os';
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
 */
export function choosePinning(server = '0', load = '1'): Pinning {
  if (!hasTool('taskset')) {
    return { server: null, load: null, warning: 'taskset is missing: nothing is pinned to a core' };
  }
  if (availableParallelism() < 2) {
    return { server: null, load: null, warning: 'one core only: server and load share it' };
  }
  return { server, load, warning: null };
}

/** The same command on the given cores; taskset replaces itself, so the process id stays. */
export function pinned(command: Command, cores: string | null): Command {
  if (cores === null) return command;
  return { ...command, program: 'taskset', args: ['-c', cores, command.program, ...command.args] };
}
