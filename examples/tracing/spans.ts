/** A span of OpenTelemetry for each frame that `react` handles. server.ts uses it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import {
  type Context,
  type ContextManager,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Conn } from 'gnet';

/** The message of the channel: the same object at each step of one call. */
interface Frame {
  readonly connection: Conn;
  readonly frame: Buffer | null;
  readonly error?: Error;
}

/**
 * Keeps the context of a span in a store that the channel can set. Those of OpenTelemetry's own packages
 * have no such store; give this one to `context.setGlobalContextManager`.
 */
export class FrameContexts implements ContextManager {
  readonly store = new AsyncLocalStorage<Context>();

  active(): Context {
    return this.store.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.store.run(context, () => fn.call(thisArg, ...args));
  }
  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target;
    return ((...args: unknown[]) => this.store.run(context, () => target(...args))) as T;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    this.store.disable();
    return this;
  }
}

/** From now on, until what it returns is called. Spans that a handler starts are children of these. */
export function traceFrames(tracer: Tracer, contexts: FrameContexts): () => void {
  const spans = new WeakMap<object, Span>();
  const channel = tracingChannel<Frame, Context>('gnet:react');
  channel.start.bindStore(contexts.store, (message) => {
    const { connection, frame } = message;
    const span = tracer.startSpan('react', {
      kind: SpanKind.SERVER,
      attributes: {
        'network.peer.address': connection.remoteAddr,
        'gnet.frame.bytes': frame?.length ?? 0,
      },
    });
    spans.set(message, span);
    return trace.setSpan(contexts.active(), span);
  });
  const finish = (message: Frame): void => spans.get(message)?.end();
  const subscribers = {
    start: () => {},
    // A promise is open if neither is there: `asyncEnd` follows.
    end: (message: Frame) => {
      if ('result' in message || 'error' in message) finish(message);
    },
    error: (message: Frame) => {
      const { error } = message;
      const span = spans.get(message);
      if (error instanceof Error) span?.recordException(error);
      span?.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
    },
    asyncStart: () => {},
    asyncEnd: finish,
  };
  channel.subscribe(subscribers);
  return () => {
    channel.unsubscribe(subscribers);
    channel.start.unbindStore(contexts.store);
  };
}
