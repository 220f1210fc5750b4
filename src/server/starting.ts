import { isPromise } from '../base/settled.ts';
import { Action } from '../connection/action.ts';
import type { EventHandler } from '../connection/conn.ts';
import type { RunningServer } from './running-server.ts';

/**
 * `onInitComplete`, then the start.
 * @param holds nothing is accepted yet: the process before still does.
 * @throws what either throws, with the server closed.
 */
export async function initialize(
  server: RunningServer,
  handler: EventHandler<unknown>,
  holds: boolean,
): Promise<void> {
  let action: Action | void;
  try {
    const answer = handler.onInitComplete?.(server);
    if (isPromise(answer)) {
      action = (await answer) as Action | void;
      // Stopped while it was at work: there is nothing left to start.
      if (server.isStopping) {
        await server.closed;
        return;
      }
    } else action = answer;
  } catch (error) {
    await server.abandon();
    throw error;
  }
  if (action === Action.Shutdown) {
    await server.abandon();
    return;
  }
  try {
    await server.start(holds);
  } catch (error) {
    await server.abandon();
    throw error;
  }
}

/** @throws its reason when it aborted in the meantime: in `onInitComplete`, for example. */
export async function obey(server: RunningServer, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    await server.close();
    signal.throwIfAborted();
  }
  const stopServer = (): void => void server.stop();
  signal.addEventListener('abort', stopServer, { once: true });
  // The signal may outlive many servers.
  const forget = (): void => signal.removeEventListener('abort', stopServer);
  void server.over.then(forget);
}
