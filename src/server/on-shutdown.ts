/** The last event of a server. */
import { errorOf } from '../base/thrown.ts';
import { isPromise, whenSettled } from '../base/settled.ts';
import type { Server } from '../connection/conn.ts';
import type { HandlerCalls } from '../connection/owner.ts';
import type { Logger } from '../logging/logger.ts';

/** The end of the server waits that long for its promise. */
const onShutdownMs = 5_000;

/** A promise, where the handler gave one: it settles with that, or when its time is up. */
export function callOnShutdown(
  { handler, scope }: HandlerCalls,
  logger: Logger,
  server: Server,
): Promise<void> | null {
  if (handler.onShutdown === undefined) return null;
  const failed = (thrown: unknown): void => {
    logger.error('onShutdown threw', { err: errorOf(thrown) });
  };
  try {
    const answer: unknown = scope.runInAsyncScope(handler.onShutdown, handler, server);
    return isPromise(answer) ? waitFor(answer, failed, logger) : null;
  } catch (thrown) {
    failed(thrown);
    return null;
  }
}

function waitFor(
  answer: PromiseLike<unknown>,
  failed: (thrown: unknown) => void,
  logger: Logger,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      logger.warn('the promise of onShutdown has not settled; the server ends without it');
      resolve();
    }, onShutdownMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    whenSettled(answer, done, (thrown) => {
      failed(thrown);
      done();
    });
  });
}
