/** A handler whose `react` is told to subscribers of the tracing channel `gnet:react`. */
import { reactTracing } from '../base/channels.ts';
import { isPromise } from '../base/settled.ts';
import type { Conn, EventHandler } from './conn.ts';

/** What subscribers get: the same object at each step of one call. */
interface ReactTrace {
  readonly connection: Conn;
  /** Valid as in `react`; null for `c.wake()`. */
  readonly frame: unknown;
  result?: unknown;
  error?: unknown;
}

type React = (frame: unknown, c: Conn) => unknown;
const { start, end, asyncStart, asyncEnd, error } = reactTracing;

export function tracedHandler(handler: EventHandler<unknown>): EventHandler<unknown> {
  if (handler.react === undefined) return handler;
  const react: React = (frame, connection) => {
    const trace: ReactTrace = { connection, frame };
    return start.runStores(trace, () => callTraced(handler as { react: React }, trace));
  };
  // The other events stay those of the handler.
  return new Proxy(handler, {
    get: (target, name) => {
      if (name === 'react') return react;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function callTraced(handler: { react: React }, trace: ReactTrace): unknown {
  try {
    const answer = handler.react(trace.frame, trace.connection);
    if (isPromise(answer)) whenAnswered(answer, trace);
    else trace.result = answer;
    return answer;
  } catch (thrown) {
    fail(trace, thrown);
    throw thrown;
  } finally {
    end.publish(trace);
  }
}

/** The promise itself is the loop's: this only listens. */
function whenAnswered(answer: PromiseLike<unknown>, trace: ReactTrace): void {
  const settled = (): void => asyncStart.runStores(trace, () => asyncEnd.publish(trace));
  void answer.then(
    (result) => {
      trace.result = result;
      settled();
    },
    (thrown: unknown) => {
      fail(trace, thrown);
      settled();
    },
  );
}

function fail(trace: ReactTrace, thrown: unknown): void {
  trace.error = thrown;
  error.publish(trace);
}
