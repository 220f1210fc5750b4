import { ErrInvalidOption } from '../base/errors.ts';
import type { CodecOption } from '../codec/codec.ts';
import type { EventHandler } from '../connection/event-handler.ts';

/** What a handler module gives to one loop. */
export interface HandlerModule {
  readonly handler: EventHandler;
  readonly codec: CodecOption | undefined;
}

type Factory = () => EventHandler | Promise<EventHandler>;

/**
 * Imports a handler module: its default export is a handler, a class of handlers, or a function that
 * makes one (or a promise of one) for each loop; `codec` is exported beside it when there is one.
 * @throws ErrInvalidOption when there is no such default export, and what the module itself throws.
 */
export async function loadHandlerModule(url: string): Promise<HandlerModule> {
  const module = (await import(url)) as { default?: unknown; codec?: CodecOption };
  const { default: exported, codec } = module;
  if (typeof exported === 'function') {
    const isClass = /^class\b/.test(Function.prototype.toString.call(exported));
    const handler = isClass
      ? new (exported as new () => EventHandler)()
      : await (exported as Factory)();
    return { handler, codec };
  }
  if (typeof exported === 'object' && exported !== null) {
    return { handler: exported as EventHandler, codec };
  }
  throw new ErrInvalidOption(
    `cannot use the handler module ${url}: its default export is ${typeof exported}; ` +
      'export a handler, or a function that makes one, as default',
  );
}
