import { ErrInvalidOption } from '../base/errors.ts';
import type { CodecOption } from '../codec/codec.ts';
import type { EventHandler } from '../connection/conn.ts';
import { handlerCalls } from '../connection/handler-events.ts';
import type { Server } from '../connection/conn.ts';
import type { Backend } from '../driver/backend.ts';
import type { OwnedLogger } from '../logging/default-logger.ts';
import type { LoopOwner } from '../loop/event-loop-settings.ts';
import type { LoopGroup } from '../loop/loop-group.ts';
import { loadLate } from '../platform/load-late.ts';
import { loadHandlerModule } from '../worker/handler-module.ts';
import type { MainServer } from '../worker/main-servers.ts';
import type { ServeCall } from '../worker/serve-calls.ts';
import type { supervisors } from '../worker/thread-supervisor.ts';
import { OneLoopGroup } from './one-loop-group.ts';
import { loopSettings } from './loop-settings.ts';
import type { ServerTls } from './server-tls.ts';
import type { ResolvedOptions } from './options.ts';
import type { StopResult } from '../connection/server-view.ts';

/** Threads are there only once a server has had several loops. */
let threads: typeof supervisors | null = null;

/** Notifies threads that have a view of the server. */
export function serverEnded(server: MainServer, result: StopResult): void {
  threads?.program.tell({ type: 'close', server: server.id, result });
}

/** Notifies every thread with a view of the server of its current addresses and loops. */
export function placesChanged(server: MainServer): void {
  const { texts, addrs, listenerDescriptor, memories } = server.view();
  const places = { texts, addrs, listenerDescriptor, memories };
  for (const supervisor of Object.values(threads ?? {})) {
    supervisor.tell({ type: 'places', server: server.id, ...places });
  }
}

/**
 * The URL of a handler module as text.
 * @throws ErrInvalidOption for options that cannot go to the threads that import it.
 */
export function moduleUrl(url: URL, options: ResolvedOptions): string {
  if (options.codec !== undefined) {
    throw new ErrInvalidOption(
      'cannot use the option codec with a handler module: it cannot be sent to other threads; ' +
        'export it as codec from the module',
    );
  }
  return url.href;
}

/** The handler of this thread: the one given, or one of the module. */
export async function handlerOf(
  given: EventHandler<unknown> | URL,
  options: ResolvedOptions,
  server: Promise<Server>,
): Promise<{
  readonly handler: EventHandler<unknown>;
  readonly codec: CodecOption<unknown> | undefined;
}> {
  if (given instanceof URL) {
    const loop = options.numEventLoop === 1 ? 0 : -1;
    return loadHandlerModule(given.href, { loop, shared: options.shared, server });
  }
  return { handler: given, codec: options.codec };
}

interface GroupPlan {
  readonly handler: EventHandler<unknown>;
  readonly options: ResolvedOptions;
  readonly backend: Backend;
  readonly log: OwnedLogger;
  readonly call: ServeCall;
  readonly module: string | null;
  readonly tls: ServerTls | undefined;
}

const loadThreads = () =>
  Promise.all([
    import('../worker/threaded-loop-group.ts'),
    import('../worker/thread-supervisor.ts'),
  ]);

/** One loop runs on this thread; several on threads of their own, whose code is loaded only then. */
export async function groupMaker(
  plan: GroupPlan,
): Promise<(owner: LoopOwner, server: MainServer) => LoopGroup> {
  const { options, backend, log, call, module, tls } = plan;
  const settings = loopSettings(options);
  if (options.numEventLoop === 1) {
    const calls = handlerCalls(plan.handler);
    const own = { ...settings, tls: tls?.onLoop(settings.readBufferBytes) };
    return (owner) => new OneLoopGroup(backend, calls, own, owner, log.logger);
  }
  const [{ ThreadedLoopGroup }, { supervisors }] = await loadLate(
    loadThreads,
    'what runs several loops',
  );
  threads = supervisors;
  return (owner, server) =>
    new ThreadedLoopGroup({
      server: server.id,
      call: module === null ? call.index : -1,
      size: options.numEventLoop,
      backend,
      settings: { ...settings, connection: { ...settings.connection, codec: undefined } },
      logger: log.logger,
      owner,
      loadBalancing: options.loadBalancing,
      pin: options.lockOSThread,
      module,
      tls,
      onJoinable: () => {
        if (module === null) call.settle({ kind: 'threaded', server, loops: options.numEventLoop });
      },
      onPlaces: () => placesChanged(server),
    });
}
