import { foreignInterface, nullAddress } from '../../ffi/index.ts';

/** What sharing the thread needs to know of the runtime's own event loop. */
export interface RuntimeEventLoop {
  /** Readable when the runtime's loop has something to do, or -1 when that cannot be known. */
  readonly descriptor: number;
  /**
   * How long the runtime's loop could sleep now: milliseconds, 0 for not at all, -1 for no limit.
   * Counts neither a pending `setImmediate` that was unref'd, nor anything that keeps no loop alive.
   */
  timeoutMs(): number;
}

/**
 * libuv's loop of this thread: `uv_backend_fd` and `uv_backend_timeout` are exported by the `node`
 * executable. No handle of our own is made in it: those abort the process in some orders of teardown.
 */
function findLibuv(): RuntimeEventLoop | null {
  const loop = foreignInterface.currentEventLoop();
  if (loop === nullAddress) return null;
  try {
    const backendDescriptor = foreignInterface.lookup('uv_backend_fd', 1);
    const backendTimeout = foreignInterface.lookup('uv_backend_timeout', 1);
    const descriptor = backendDescriptor(loop as bigint);
    return descriptor < 0 ? null : { descriptor, timeoutMs: () => backendTimeout(loop as bigint) };
  } catch {
    return null; // a build that hides the symbols
  }
}

/** Where the runtime's loop cannot be asked, no wait is longer than this: its events come that late. */
const blindSleepMs = 1;
const blind: RuntimeEventLoop = { descriptor: -1, timeoutMs: () => blindSleepMs };

export const runtimeEventLoop: RuntimeEventLoop = findLibuv() ?? blind;

/** For `server.stats().host`. */
export const hostMode: 'embedded' | 'turns' = runtimeEventLoop === blind ? 'turns' : 'embedded';
