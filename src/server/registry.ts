import type { RunningServer } from './running-server.ts';

const servers = new Set<RunningServer>();

/** Running servers of this thread, for `stop(address)`. */
export const registry = {
  add(server: RunningServer): void {
    servers.add(server);
  },
  remove(server: RunningServer): void {
    servers.delete(server);
  },
  /** The server that was started with this text, or that listens on this real address. */
  find(address: string): RunningServer | undefined {
    for (const server of servers) if (server.answersTo(address)) return server;
    return undefined;
  },
} as const;
