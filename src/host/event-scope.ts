import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

/**
 * The asynchronous context (what `AsyncLocalStorage` holds) in which the events of a server or of one
 * connection run: that of whoever opened it, and never that of the event before in the same turn.
 */
export type EventScope = AsyncResource;

/** Older runtimes keep stores in the resource itself, where one event would leave them for the next. */
class FreshScope extends AsyncResource {
  override runInAsyncScope<This, Arguments extends unknown[], Result>(
    call: (this: This, ...args: Arguments) => Result,
    self?: This,
    ...args: Arguments
  ): Result {
    const fresh = super.runInAsyncScope(newResource);
    return fresh.runInAsyncScope(call, self as This, ...args);
  }
}

const resourceType = 'GNET';
const newResource = (): AsyncResource => new AsyncResource(resourceType);

/** Whether a resource keeps what `enterWith` set inside of it. */
function resourcesKeepStores(): boolean {
  const storage = new AsyncLocalStorage<boolean>();
  const resource = newResource();
  resource.runInAsyncScope(() => storage.enterWith(true));
  const kept = resource.runInAsyncScope(() => storage.getStore()) === true;
  storage.disable();
  return kept;
}

const Scope = resourcesKeepStores() ? FreshScope : AsyncResource;

/** The context of the caller. */
export function captureScope(): EventScope {
  return new Scope(resourceType);
}
