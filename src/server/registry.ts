import type { StopOptions, StopResult } from '../connection/server-view.ts';

/** A server of this thread, or what this thread sees of one. */
export interface Stoppable {
  answersTo(address: string): boolean;
  stop(options?: StopOptions): Promise<StopResult>;
}

const servers = new Set<Stoppable>();

/** Running servers of this thread, for `stop(address)`. */
export const registry = {
  add(server: Stoppable): void {
    servers.add(server);
  },
  remove(server: Stoppable): void {
    servers.delete(server);
  },
  /** The server that was started with this text, or that listens on this real address. */
  find(address: string): Stoppable | undefined {
    for (const server of servers) if (server.answersTo(address)) return server;
    return undefined;
  },
} as const;
