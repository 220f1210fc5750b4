import { ErrInvalidNetworkAddress, ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import { Action } from '../connection/action.ts';
import type { EventHandler } from '../connection/event-handler.ts';
import { handlerCalls } from '../connection/handler-calls.ts';
import type { Server, StopOptions, StopResult } from '../connection/server-view.ts';
import { chooseBackend } from '../driver/choice.ts';
import { createLogger } from '../logging/default-logger.ts';
import { parseAddress, resolveAddress } from './addresses.ts';

import { reportDriver } from './driver-report.ts';
import { type Options, resolveOptions } from './options.ts';
import { registry } from './registry.ts';
import { RunningServer } from './running-server.ts';

/**
 * Listens on every address and calls the handler's events, on this thread's event loop.
 *
 * Resolves when every address is bound and `onInitComplete` has run; with `block: true` when the
 * server is down. With `Action.Shutdown` from `onInitComplete` it resolves with a closed server.
 * @param address `tcp://:9000`, `udp://127.0.0.1:53`, `unix:///run/echo.sock`, ...; several in an array.
 * @throws a `GnetError`, with nothing left open: `ErrUnsupportedProtocol`, `ErrInvalidNetworkAddress`,
 * `ErrInvalidOption`, `ErrUnsupportedOp`, `ErrUnsupportedPlatform`, or the errno of a failed call.
 */
export async function serve(
  handler: EventHandler,
  address: string | readonly string[],
  options: Options = {},
): Promise<Server> {
  const calls = handlerCalls(handler);
  const resolved = resolveOptions(options);
  // What is neither is refused with the rest, by name.
  const texts = Array.isArray(address) ? [...address] : [address as string];
  if (texts.length === 0) {
    throw new ErrInvalidNetworkAddress(
      "cannot serve on no address: give at least one, as 'tcp://:0'",
    );
  }
  const parsed = texts.map((text) => parseAddress(text));
  resolved.signal?.throwIfAborted();
  const endpoints = await Promise.all(parsed.map((one) => resolveAddress(one)));
  const backend = await chooseBackend(resolved.driver);
  resolved.signal?.throwIfAborted();
  const log = createLogger(resolved);
  let server: RunningServer;
  try {
    reportDriver(backend, resolved, log.logger);
    server = await RunningServer.open({ calls, options: resolved, backend, log, texts, endpoints });
  } catch (error) {
    await log.close();
    throw error;
  }
  if (resolved.signal?.aborted) await server.abandon();
  resolved.signal?.throwIfAborted();
  await initialize(server, handler);
  resolved.signal?.addEventListener('abort', () => void server.stop(), { once: true });
  if (resolved.block) await server.closed;
  return server;
}

async function initialize(server: RunningServer, handler: EventHandler): Promise<void> {
  let action: Action | void;
  try {
    action = handler.onInitComplete?.(server);
  } catch (error) {
    await server.abandon();
    throw error;
  }
  if (action === Action.Shutdown) await server.abandon();
  else server.start();
}

/**
 * Stops the server that was started with this address, or that listens on it.
 * @throws ErrServerInShutdown when there is none on this thread.
 */
export async function stop(address: string, options?: StopOptions): Promise<StopResult> {
  const server = registry.find(address);
  if (server === undefined) {
    throw new ErrServerInShutdown(
      `cannot stop '${address}': no server of this thread was started with it or listens on it; ` +
        'it may be down already',
      { address },
    );
  }
  return server.stop(options);
}

/** Dials out on the loops of this program. Not built yet. */
export async function client(_handler: EventHandler, _options?: Options): Promise<never> {
  throw new ErrUnsupportedOp('cannot dial out: the client is not built yet; use node:net');
}
