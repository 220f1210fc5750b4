import { isMainThread } from 'node:worker_threads';
import { ErrUnsupportedOp } from '../base/errors.ts';
import type { Backend } from '../driver/backend.ts';
import type { ResolvedOptions } from './options.ts';
import { holdPidFile, type PidFileHold } from './pid-file.ts';
import { loadRestart } from './restart/load-restart.ts';
import { obeySignals } from './restart/restart-signals.ts';
import { restartable } from './restart/restartable.ts';
import { ServiceManager } from './restart/service-manager.ts';
import type { RunningServer } from './running-server.ts';
import { countServer } from './servers-elsewhere.ts';
import { predecessor, type WhereToListen } from './where-to-listen.ts';

/**
 * What other programs see of a server besides its sockets: its pid file, and the signals that it
 * obeys.
 */
export class Presence {
  readonly #where: WhereToListen;
  readonly #options: ResolvedOptions;
  readonly #backend: Backend;
  #pidFile: PidFileHold | null = null;
  #ignoreSignals: (() => void) | null = null;

  constructor(where: WhereToListen, options: ResolvedOptions, backend: Backend) {
    this.#backend = backend;
    this.#where = where;
    this.#options = options;
  }

  /** What a restart needs: it must not be loaded while clients wait. */
  async load(): Promise<void> {
    if (this.#options.graceful === undefined) return;
    const { prepareRestarts } = await loadRestart();
    prepareRestarts(this.#backend.native);
  }

  /** Before anything is opened. @throws ErrPidFile; ErrUnsupportedOp where no signal arrives. */
  begin(): void {
    const { pidName, graceful } = this.#options;
    if (graceful !== undefined && !isMainThread) {
      throw new ErrUnsupportedOp(
        'cannot serve with graceful in a worker thread: signals reach the main thread alone; serve there',
      );
    }
    if (pidName !== undefined) this.#pidFile = holdPidFile(pidName, predecessor());
  }

  /** The server listens, and accepts, unless the process before still does. */
  show(server: RunningServer): void {
    if (server.isStopping) return;
    restartable.add(server);
    const { graceful } = this.#options;
    if (graceful !== undefined) {
      this.#ignoreSignals = obeySignals(server, graceful);
      server.serviceManager = new ServiceManager(this.#backend, server.logger);
    }
    this.#where.hold({
      accept: () => server.accept(),
      useTicketKeys: (keys) => server.useTicketKeys(keys),
      takenOver: () => {
        if (predecessor() !== 0) this.#backend.native?.waitForNobody();
        if (server.isStopping) return;
        this.#writePidFile(server);
        server.serviceManager?.ready();
      },
    });
  }

  #writePidFile(server: RunningServer): void {
    try {
      this.#pidFile?.write();
    } catch (error) {
      // Its directory was there and writable when the server started.
      server.logger.error('the pid file could not be written', { err: error });
    }
  }

  endWith(server: RunningServer): void {
    countServer(server.over);
    void server.over.then(() => {
      restartable.delete(server);
      this.#where.ended();
      this.end();
    });
  }

  end(): void {
    this.#ignoreSignals?.();
    this.#pidFile?.release();
    this.#ignoreSignals = this.#pidFile = null;
  }
}
