/** The option `graceful`: signals restart the program, and stop it. */
import { constants } from 'node:os';
import type { Server } from '../../connection/conn.ts';
import type { StopResult } from '../../connection/server-view.ts';
import type { Logger } from '../../logging/logger.ts';
import type { GracefulSettings } from './settings.ts';

/** A program with nothing left to do ends by itself; after this time it is ended. */
const endMs = 1_000;

interface GracefulServer extends Pick<Server, 'restart'> {
  stop(): Promise<StopResult>;
  readonly logger: Logger;
}

interface Obeyed {
  readonly server: GracefulServer;
  readonly settings: GracefulSettings;
}

const obeyed = new Set<Obeyed>();
const listening = new Map<NodeJS.Signals, () => void>();

function restart(signal: NodeJS.Signals): void {
  const first = [...obeyed].find(({ settings }) => settings.signal === signal);
  if (first === undefined) return;
  const { server, settings } = first;
  server.logger.info('restarting: the new process is started', { signal });
  const { readyTimeout, drainTimeout } = settings;
  server.restart({ readyTimeout, drainTimeout }).then(
    ({ pid }) => server.logger.info('restarted: a new process has taken over', { pid }),
    (error: unknown) => {
      server.logger.error('the restart failed; this process goes on', { err: error });
    },
  );
}

function endByTerm(): void {
  // A signal that the program handles itself is the program's business.
  if (process.listenerCount('SIGTERM') > 0) return;
  // The first process of a container ends by no signal that it does not handle. pid_namespaces(7)
  if (process.pid === 1) process.exit(128 + constants.signals.SIGTERM);
  process.kill(process.pid, 'SIGTERM');
}

function stopAll(): void {
  const ends = [...obeyed].map(({ server }) => server.stop());
  void Promise.allSettled(ends).then(() => {
    setTimeout(endByTerm, endMs).unref();
  });
}

function listen(signal: NodeJS.Signals, act: () => void): void {
  if (listening.has(signal)) return;
  listening.set(signal, act);
  process.on(signal, act);
}

/** Obeys from now on; call what it returns at the server's end. */
export function obeySignals(server: GracefulServer, settings: GracefulSettings): () => void {
  const entry = { server, settings };
  obeyed.add(entry);
  listen(settings.signal, () => restart(settings.signal));
  listen('SIGTERM', stopAll);
  return () => {
    obeyed.delete(entry);
    if (obeyed.size > 0) return;
    for (const [signal, act] of listening) process.off(signal, act);
    listening.clear();
  };
}
