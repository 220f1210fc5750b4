/** A handler some of whose promises are followed until they settle: see the option `leakDetection`. */
import { isPromise } from '../base/settled.ts';
import type { Conn, EventHandler } from './conn.ts';
import type { LeakWatch } from './leak-watch.ts';
import type { Held } from './leaks.ts';
import { type TimedEvent, timedEvents } from './slow-handler.ts';

type AnyEvent = (first?: unknown, second?: unknown) => unknown;

/** With the same events; what it has not stays absent. */
export function followedHandler(
  handler: EventHandler<unknown>,
  leaks: LeakWatch,
): EventHandler<unknown> {
  const followed: Partial<Record<TimedEvent, AnyEvent>> = {};
  for (const name of timedEvents) {
    if (typeof handler[name] === 'function') followed[name] = followedEvent(handler, name, leaks);
  }
  return followed as EventHandler<unknown>;
}

function followedEvent(
  handler: EventHandler<unknown>,
  name: TimedEvent,
  leaks: LeakWatch,
): AnyEvent {
  // Looked up at each call: the program may replace a method.
  const methods = handler as Record<TimedEvent, AnyEvent>;
  return (first, second) => {
    if (!leaks.samples()) return methods[name](first, second);
    const before = leaks.origins.begin();
    let origin: ReturnType<typeof leaks.origins.end>;
    let answer: unknown;
    try {
      answer = methods[name](first, second);
    } finally {
      origin = leaks.origins.end(before);
    }
    if (!isPromise(answer)) return answer;
    const connection = (name === 'react' ? second : first) as Conn | undefined;
    return followed(leaks, answer, (): Held => {
      return leaks.hold('promise', connection, { event: name }, null, origin ?? {});
    });
  };
}

/** The promise itself, or for what only looks like one, a promise that follows it. */
function followed(leaks: LeakWatch, answer: PromiseLike<unknown>, hold: () => Held): unknown {
  let promise: Promise<unknown>;
  try {
    promise = Promise.resolve(answer);
  } catch {
    return answer;
  }
  const held = hold();
  const settled = (): void => leaks.release(held);
  // Not its own method, which a program may have replaced.
  void Promise.prototype.then.call(promise, settled, settled);
  return promise;
}
