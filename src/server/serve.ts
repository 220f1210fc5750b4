import { isMainThread } from 'node:worker_threads';
import { ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import type { CodecOption } from '../codec/codec.ts';
import type { EventHandler } from '../connection/conn.ts';
import { handlerCalls } from '../connection/handler-events.ts';
import type { Server } from '../connection/conn.ts';
import type { StopOptions, StopResult } from '../connection/server-view.ts';
import { chooseBackend } from '../driver/choose-driver.ts';
import { createLogger } from '../logging/default-logger.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import { loopThreadData } from '../worker/loop-thread-data.ts';
import { programEntry } from '../worker/program-entry.ts';
import { recordServeCall, type ServeCall } from '../worker/serve-calls.ts';
import { reportDriver, reportOneLoop } from './driver-report.ts';
import { reportUnknownEvents } from './handler-report.ts';
import { type Options, type ResolvedOptions, resolveOptions } from './options.ts';
import { groupMaker, handlerOf, moduleUrl, placesChanged, serverEnded } from './make-loop-group.ts';
import { Presence } from './pid-and-signals.ts';
import { registry } from './registry.ts';
import { RunningServer } from './running-server.ts';
import { hasParent } from './restart/below-parent.ts';
import type { RestartSignal } from './restart/settings.ts';
import { prepareTls, wantsTls } from './server-tls.ts';
import { loopsMayDial } from './loop-dialling.ts';
import { loopsThatCanListen } from './several-loops.ts';
import { initialize, obey } from './starting.ts';
import { WhereToListen } from './where-to-listen.ts';

loopsMayDial();

/**
 * Listens on every address and calls the handler's events, on this thread's event loop.
 *
 * Resolves when every address is bound and `onInitComplete` has run; with `block: true` when the
 * server is down. If `onInitComplete` returns `Action.Shutdown`, it resolves with a closed server.
 * @param address `tcp://:9000`, `udp://127.0.0.1:53`, `unix:///run/echo.sock`, ...; several in an
 * array.
 * @throws a `GnetError`, with nothing left open: `ErrUnsupportedProtocol`,
 * `ErrInvalidNetworkAddress`, `ErrInvalidOption`, `ErrUnsupportedOp`, `ErrUnsupportedPlatform`, or
 * the errno of a failed call.
 */
export function serve<Frame extends Buffer = Buffer, Context = unknown>(
  handler: EventHandler<Frame, Context> | URL,
  address: string | readonly string[],
  options?: Options<Frame>,
): Promise<Server>;
/** With a codec whose frames are not bytes: `react` gets what its `decode` returns. */
export function serve<Frame, Context = unknown>(
  handler: EventHandler<Frame, Context>,
  address: string | readonly string[],
  options: Options<Frame> & { readonly codec: CodecOption<Frame> },
): Promise<Server>;
export async function serve(
  handler: EventHandler<unknown> | URL,
  address: string | readonly string[],
  options: Options<unknown> = {},
): Promise<Server> {
  // What is neither is refused with the rest, by name.
  const texts = Array.isArray(address) ? [...address] : [address as string];
  if (loopThreadData !== null) return joinAsThread(handler, texts, options);
  const call = recordServeCall(texts);
  try {
    return await serveHere(handler, texts, options, call);
  } catch (error) {
    call.fail(error);
    throw error;
  }
}

/** Makes this process the parent of the process that serves; never settles. */
async function stayAsParent(
  driver: ResolvedOptions['driver'],
  restart: RestartSignal,
): Promise<never> {
  const { native, name } = await chooseBackend(driver);
  if (native === undefined || !isMainThread) {
    const why =
      native === undefined ? `the driver ${name} makes no system calls` : 'a worker thread';
    throw new ErrUnsupportedOp(
      `cannot stay as the parent of the program (graceful.parent): ${why}; let an init be the first process`,
    );
  }
  const { Parent } = await import('./restart/parent.ts');
  return new Parent(native, restart).run();
}

async function serveHere(
  given: EventHandler<unknown> | URL,
  texts: readonly string[],
  options: Options<unknown>,
  call: ServeCall,
): Promise<Server> {
  if (!(given instanceof URL)) handlerCalls(given);
  const resolved = resolveOptions(options);
  const { graceful } = resolved;
  if (graceful?.parent === true && !hasParent) await stayAsParent(resolved.driver, graceful.signal);
  const where = new WhereToListen(texts);
  try {
    return await serveOn(where, given, resolved, texts, call);
  } catch (error) {
    where.failed(error);
    throw error;
  }
}

async function serveOn(
  where: WhereToListen,
  given: EventHandler<unknown> | URL,
  asked: ResolvedOptions,
  texts: readonly string[],
  call: ServeCall,
): Promise<Server> {
  const module = given instanceof URL ? moduleUrl(given, asked) : null;
  if (asked.numEventLoop > 1 && module === null) programEntry();
  asked.signal?.throwIfAborted();
  await where.lookUp();
  const withTls = wantsTls(asked, where.parsed);
  const backend = await chooseBackend(asked.driver);
  where.complete(backend);
  const resolved = loopsThatCanListen(asked, backend, where.endpoints);
  let tell!: (server: Server) => void;
  const promised = new Promise<Server>((resolve) => {
    tell = resolve;
  });
  const { handler, codec } = await handlerOf(given, resolved, promised);
  resolved.signal?.throwIfAborted();
  const log = createLogger(resolved);
  const presence = new Presence(where, resolved, backend);
  let server: RunningServer;
  try {
    presence.begin();
    const tls = withTls ? await prepareTls(resolved, log.logger, module) : undefined;
    reportDriver(backend, resolved, log.logger);
    if (resolved !== asked) reportOneLoop(backend, where.endpoints, log.logger);
    reportUnknownEvents(handler, log.logger);
    await presence.load();
    const own = { ...resolved, codec };
    server = await RunningServer.open({
      calls: handlerCalls(handler),
      options: own,
      backend,
      log,
      texts,
      endpoints: where.endpoints,
      textOf: where.textOf,
      canRestart: true,
      tls,
      makeGroup: await groupMaker({ handler, options: own, backend, log, call, module, tls }),
      onEnd: serverEnded,
      onPlaces: placesChanged,
    });
  } catch (error) {
    presence.end();
    await log.close();
    throw error;
  }
  presence.endWith(server);
  if (resolved.signal?.aborted) await server.abandon();
  resolved.signal?.throwIfAborted();
  call.settle({ kind: 'elsewhere', server });
  await initialize(server, handler, where.holds);
  // The first to come must not wait for the compiler; so far nobody does.
  if (where.holds) await server.rehearse();
  presence.show(server);
  tell(server);
  if (resolved.signal !== undefined) await obey(server, resolved.signal);
  if (resolved.block) await server.closed;
  return server;
}

/** This thread runs the program again, for a loop of its own: see `docs/threads.md`. */
async function joinAsThread(
  given: EventHandler<unknown> | URL,
  texts: readonly string[],
  options: Options<unknown>,
): Promise<Server> {
  const { threadSide } = await import('../worker/thread-side.ts');
  if (threadSide === null) throw new ErrUnsupportedOp('cannot join: this is no thread of a loop');
  const server = await threadSide.join(texts, () => {
    const resolved = resolveOptions(options);
    // A server over a handler module has its loops in other threads.
    const calls = handlerCalls(given instanceof URL ? {} : given);
    return { calls, codec: resolved.codec, tls: (resolved.tls ?? {}) as TlsServerOptions };
  });
  registry.add(server);
  void server.closed.then(() => registry.remove(server));
  if (options.block === true) await server.closed;
  return server;
}

/**
 * Stops the server of this thread that was started with this address or listens on it. @throws
 * ErrServerInShutdown if there is none.
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
