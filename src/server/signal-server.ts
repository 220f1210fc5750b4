import { ErrInvalidOption, ErrPidFile, ErrUnsupportedOp } from '../base/errors.ts';
import { hasSignals } from '../host/runtime-features.ts';
import { exists, isAlive, readPidFile } from './pid-file.ts';
import { type RestartSignal, restartSignals } from './restart/settings.ts';

export interface SignalOptions {
  /** The server's option `graceful.signal`. Default `SIGUSR2`. */
  readonly signal?: RestartSignal;
}

/**
 * Signals the server behind a pid file to restart or to stop; that server needs the options
 * `graceful` and `pidName`. Returns the number of its process at once; the server's log has the
 * outcome. @throws ErrPidFile if there is no such file or process, or this process may not signal
 * it; ErrUnsupportedOp on Windows, which has no signals.
 */
export function signalServer(
  pidName: string,
  action: 'reload' | 'stop',
  options: SignalOptions = {},
): number {
  if (action !== 'reload' && action !== 'stop') {
    throw new ErrInvalidOption(
      `cannot signal a server to '${String(action)}': give 'reload' or 'stop'`,
    );
  }
  if (!hasSignals()) {
    throw new ErrUnsupportedOp(
      `cannot signal a server to '${action}': a process of this system can only be ended, at once; ` +
        'let the server stop itself, by server.stop()',
    );
  }
  const { signal = 'SIGUSR2' } = options;
  if (!restartSignals.includes(signal)) {
    throw new ErrInvalidOption(
      `cannot use ${String(signal)} as option signal: give ${restartSignals.join(', ')}`,
    );
  }
  const pid = readPidFile(pidName, `signal a server`);
  const fail = (state: string, cause?: unknown): never => {
    throw new ErrPidFile(`cannot signal a server by the pid file '${pidName}': ${state}`, {
      address: pidName,
      cause,
    });
  };
  const isThere = exists(pid);
  // Its number may be another's by now, who would not know what the signal means.
  if (isThere && !isAlive(pid, pidName)) {
    fail(`its process is gone; ${pid} may be another one by now`);
  }
  try {
    process.kill(pid, action === 'stop' ? 'SIGTERM' : signal);
  } catch (cause) {
    const isGone = (cause as NodeJS.ErrnoException).code === 'ESRCH';
    fail(isGone ? `process ${pid} is gone` : `process ${pid} belongs to somebody else`, cause);
  }
  return pid;
}
