import { ErrInvalidOption } from '../base/errors.ts';
import type { CodecOption } from '../codec/codec.ts';
import type { EventHandler } from '../connection/conn.ts';
import type { Server } from '../connection/conn.ts';

/** The exports of a handler module, for one loop. */
export interface HandlerModule {
  readonly handler: EventHandler<unknown>;
  readonly codec: CodecOption<unknown> | undefined;
}

/** The loop that a handler module makes a handler for. */
export interface LoopContext {
  /** The number of the loop, from 0; -1 on the main thread of a server with several loops. */
  readonly loop: number;
  /** The option `shared` of the server. */
  readonly shared: unknown;
  /** The server, once this loop runs: `conn(id)`, `broadcast`, `stop`, `countConnections`, ... */
  readonly server: Promise<Server>;
}

type Factory = (context: LoopContext) => EventHandler<unknown> | Promise<EventHandler<unknown>>;
type HandlerClass = new (context: LoopContext) => EventHandler<unknown>;

/**
 * Imports a handler module. Its default export is a handler, a class, or a function that gets a
 * `LoopContext` and returns a handler, or a promise of one, for each loop. The module may also
 * export a `codec`. @throws ErrInvalidOption if there is no such default export; also what the
 * module itself throws.
 */
export async function loadHandlerModule(url: string, context: LoopContext): Promise<HandlerModule> {
  const { default: exported, codec } = exportsOf(await import(url));
  if (typeof exported === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(exported));
    const handler = isClass
      ? new (exported as HandlerClass)(context)
      : await (exported as Factory)(context);
    return { handler, codec };
  }
  if (typeof exported === 'object' && exported !== null) {
    return { handler: exported as EventHandler<unknown>, codec };
  }
  throw new ErrInvalidOption(
    `cannot use the handler module ${url}: its default export is ${typeof exported}; ` +
      'export a handler, or a function that makes one, as default',
  );
}

interface Exports {
  readonly default?: unknown;
  readonly codec?: CodecOption<unknown>;
}

/** Of a module that was compiled to CommonJS, `default` is all of its exports. */
function exportsOf(module: Exports): Exports {
  const { default: all } = module;
  const compiled = typeof all === 'object' && all !== null && '__esModule' in all;
  return compiled ? (all as Exports) : module;
}
