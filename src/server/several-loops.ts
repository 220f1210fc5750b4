import type { Backend } from '../driver/backend.ts';
import type { Endpoint } from '../driver/contract.ts';
import type { ResolvedOptions } from './options.ts';

/** Why several loops cannot listen on these addresses with this driver; null where they can. */
export function whyOneLoop(backend: Backend, endpoints: readonly Endpoint[]): string | null {
  for (const { kind } of endpoints) {
    const reason = backend.oneLoopBecause?.(kind) ?? null;
    if (reason !== null) return reason;
  }
  return null;
}

/**
 * `multicore` leaves the number of loops to us: one, where several cannot listen, so that a program runs
 * on every system. A number that the program named stays, and to listen then fails with the reason.
 */
export function loopsThatCanListen(
  options: ResolvedOptions,
  backend: Backend,
  endpoints: readonly Endpoint[],
): ResolvedOptions {
  if (!options.loopsByMulticore || options.numEventLoop === 1) return options;
  return whyOneLoop(backend, endpoints) === null ? options : { ...options, numEventLoop: 1 };
}
