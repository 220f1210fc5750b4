import type { Call } from './call.ts';
import { wrongType } from './replies.ts';
import type { Collection } from './store.ts';

type Kind<T extends Collection> = abstract new (...args: never) => T;

/** The collection of the first argument, undefined without one, or null after an error was answered. */
export function collectionOf<T extends Collection>(
  call: Call,
  kind: Kind<T>,
): T | undefined | null {
  const entry = call.entry();
  if (entry === undefined) return undefined;
  return entry.collection instanceof kind ? entry.collection : wrongType(call);
}

/** The same, made when there is none. */
export function collectionFor<T extends Collection>(
  call: Call,
  kind: Kind<T>,
  make: () => T,
): T | null {
  const found = collectionOf(call, kind);
  if (found !== undefined) return found;
  const collection = make();
  call.database.forWriting(call.key(1)).collection = collection;
  return collection;
}

/** A collection without elements is no value: its key goes. */
export function dropIfEmpty(call: Call, left: number): void {
  if (left === 0) call.database.delete(call.key(1));
}
