import { ErrInvalidOption, ErrServerInShutdown, ErrUnsupportedOp } from '../base/errors.ts';
import type { CodecOption } from '../codec/codec.ts';
import type { Conn } from '../connection/conn.ts';
import type { EventHandler } from '../connection/conn.ts';
import type { Follower } from '../connection/follower.ts';
import { handlerCalls } from '../connection/handler-events.ts';
import type { Server } from '../connection/conn.ts';
import { chooseBackend } from '../driver/choose-driver.ts';
import { createLogger } from '../logging/default-logger.ts';
import { loopThreadData } from '../worker/loop-thread-data.ts';
import { announceOwnLoop } from '../worker/announce-loop.ts';
import { threadEnd } from '../worker/thread-end.ts';
import { ClientTls } from './client-tls.ts';
import type { TlsClientOptions } from '../tls/options/types.ts';
import { Dial, type DialingLoop } from './dial.ts';
import { checkDialOptions, type DialOptions } from './dial-options.ts';
import {
  ClientLink,
  type Link,
  type LinkOptions,
  linkOptionNames,
  type LinkOwner,
} from './link.ts';
import { ClientPool, type LinkPool, type PoolOptions } from './link-pool.ts';
import { type ReconnectOptions, reconnectPolicy } from './reconnecting.ts';
import { reportDriver } from './driver-report.ts';
import { reportUnknownEvents } from './handler-report.ts';
import { OneLoopGroup } from './one-loop-group.ts';
import { loopSettings } from './loop-settings.ts';
import { checkNames, invalidOption } from '../base/option-checks.ts';
import { checkOptionsObject, type Options, resolveOptions } from './options.ts';
import { RunningServer, type ServerPlan } from './running-server.ts';
import { initialize, obey } from './starting.ts';

/**
 * Options that a client cannot use, with the values that it still accepts because they change
 * nothing. So a program may share its options between `serve` and `client`.
 */
const serverOnly = {
  multicore: [false],
  numEventLoop: [0, 1],
  loopNum: [0, 1],
  loadBalancing: [],
  lockOSThread: [false],
  reusePort: [false],
  backlog: [],
  deferAccept: [0],
  fastOpen: [0],
  maxConnections: [Infinity],
  proxyProtocol: [],
  udpSessions: [false],
  block: [false],
  graceful: [false],
  pidName: [],
} as const satisfies { [Name in keyof Options]?: readonly unknown[] };

/** The options of `serve`, except those for listening and for several loops. */
export type ClientOptions<Frame = Buffer> = Omit<
  Options<Frame>,
  keyof typeof serverOnly | 'tls'
> & {
  /**
   * TLS for `tls://` addresses, with the names of `node:tls`: certificates to trust (`ca`), the
   * client's own certificate (`key`, `cert`), ALPN. Default: the runtime's root certificates.
   */
  readonly tls?: TlsClientOptions;
  /**
   * Dials a connection again when its peer ends it or it breaks, with the same handler and context,
   * until the program closes it. `true` uses the defaults. Default: off; links always reconnect.
   */
  readonly reconnect?: ReconnectOptions | boolean;
};

/**
 * One event loop, on the thread that created it, for connections that this program dials. It is a
 * server that does not listen: `addr` is '', `dupFd` throws `ErrUnsupportedOp`.
 */
export interface Client<Context = unknown> extends Server {
  /**
   * Connects to `tcp://host:port`, `tls://host:port`, `unix://path` or `udp://host:port`. If a name
   * has several addresses, they race as RFC 8305 describes. Resolves after `onOpened` has run and
   * its answer is queued. With TLS, the handshake is complete by then, and the server's certificate
   * contains the name.
   * @throws a `GnetError`, without any event: the errno of the first address (`ECONNREFUSED`, ...),
   * `ErrTimeout`, `ErrServerInShutdown` if the client is stopped, `ErrInvalidNetworkAddress`,
   * `ErrUnsupportedProtocol`, `ErrInvalidOption`, `ErrTls…` if the handshake fails; or the reason
   * of `signal`.
   */
  dial(address: string, options?: DialOptions): Promise<Conn<Context>>;
  /**
   * Makes a connection that reconnects by itself and accepts writes while it is down. It starts to
   * connect at once and keeps trying; the log says when the first attempt of a break fails.
   * @throws ErrInvalidOption, ErrInvalidNetworkAddress, ErrUnsupportedProtocol, ErrUnsupportedOp or
   * ErrProxyHeader for what can never connect; ErrServerInShutdown if the client is stopped.
   */
  link(address: string, options?: LinkOptions): Link;
  /** Makes several links to one address and distributes the work over them. @throws as `link`. */
  pool(address: string, options: PoolOptions): LinkPool;
}

class RunningClient extends RunningServer implements Client {
  readonly #loop: DialingLoop;
  readonly #tls: ClientTls;
  readonly #dials = new Set<Dial>();
  readonly #links = new Set<ClientLink>();
  readonly #linkOwner: LinkOwner;
  /** Of what is dialled; undefined: it does not come back. */
  readonly #reconnect: ReconnectOptions | true | undefined;
  #stopped = false;

  static make(
    plan: Omit<ServerPlan, 'makeGroup' | 'onEnd'>,
    tls: ClientTls,
    reconnect: ReconnectOptions | boolean | undefined,
  ): RunningClient {
    if (reconnect !== undefined && reconnect !== false) reconnectPolicy(reconnect);
    const { backend, calls, options, log } = plan;
    const { memory, withdraw } = announceOwnLoop();
    const made: OneLoopGroup[] = [];
    const makeGroup: ServerPlan['makeGroup'] = (owner) => {
      const settings = loopSettings(options);
      const group = new OneLoopGroup(backend, calls, settings, owner, log.logger, memory);
      made.push(group);
      return group;
    };
    try {
      const onEnd = (): void => {
        tls.end();
        withdraw();
      };
      return new RunningClient({ ...plan, makeGroup, onEnd }, made, tls, reconnect || undefined);
    } catch (error) {
      withdraw();
      throw error;
    }
  }

  private constructor(
    plan: ServerPlan,
    made: readonly OneLoopGroup[],
    tls: ClientTls,
    reconnect: ReconnectOptions | true | undefined,
  ) {
    super(plan);
    this.#reconnect = reconnect;
    const { highWaterMark, closeTimeout } = plan.options;
    this.#linkOwner = {
      // Half: a codec adds to what it is given.
      bytesAhead: highWaterMark / 2,
      closeTimeout,
      dial: (address, options, follower) => this.#dialOnce(address, options, follower),
      report: (message, error) => plan.log.logger.warn(message, { err: error }),
      over: (link) => this.#links.delete(link),
    };
    const loop = made[0] as OneLoopGroup;
    this.#tls = tls;
    this.#loop = {
      leaks: loop.leaks,
      scheduleTasks: (of) => loop.scheduleTasks(of),
      dial: (endpoint, outcome) => loop.dial(endpoint, outcome),
      abandonDial: (attempt) => loop.abandonDial(attempt),
      dialDatagrams: (endpoint) => loop.dialDatagrams(endpoint),
      begin: (connection, layers) => loop.begin(connection, layers),
      async secure(target) {
        return tls.layer(loop.useTls(await tls.load()), target);
      },
    };
  }

  protected override get tlsEngine() {
    return this.#tls.about;
  }

  async dial(address: string, options: DialOptions = {}): Promise<Conn> {
    const { signal, reconnect = this.#reconnect, ...rest } = checkDialOptions(options);
    if (reconnect === undefined || reconnect === false) return this.#dialOnce(address, options);
    return this.#newLink(address, { ...rest, reconnect, whileDown: 'refuse' }).first(signal);
  }

  link(address: string, options: LinkOptions = {}): Link {
    // Before its parts are looked at.
    checkNames('link', options, linkOptionNames);
    const link = this.#newLink(address, options);
    link.begin();
    return link;
  }

  pool(address: string, options: PoolOptions): LinkPool {
    checkNames('pool', options, ['size', ...linkOptionNames]);
    const { size, ...each } = options;
    return new ClientPool(size, () => this.link(address, each));
  }

  #newLink(address: string, options: LinkOptions): ClientLink {
    if (this.#stopped) throw clientStopped(address);
    const reconnect = options.reconnect ?? this.#reconnect;
    const link = new ClientLink(this.#linkOwner, address, {
      ...options,
      ...(reconnect !== undefined && { reconnect }),
    });
    this.#links.add(link);
    return link;
  }

  async #dialOnce(
    address: string,
    options: DialOptions,
    follower: Follower | null = null,
  ): Promise<Conn> {
    if (this.#stopped) throw clientStopped(address);
    const over = (dial: Dial): void => void this.#dials.delete(dial);
    const dial = new Dial(this.#loop, address, options, over, follower);
    this.#dials.add(dial);
    return dial.promise;
  }

  /** Nothing is dialled any more; what is under way has no connection to lose. */
  protected override beginStop(): void {
    this.#stopped = true;
    for (const link of this.#links) link.stop();
    for (const dial of this.#dials) dial.giveUp(clientStopped(dial.address));
  }

  override listen(): Promise<never> {
    return Promise.reject(new ErrUnsupportedOp('cannot listen: a client does not; call serve'));
  }

  override dupFd(): number {
    throw new ErrUnsupportedOp('cannot duplicate the listener: a client has none; see c.fd');
  }
}

/**
 * Creates an event loop on this thread for connections that this program dials, with the same
 * events, codecs and options as `serve`. It keeps the process alive until it is stopped.
 *
 * Resolves after `onInitComplete`; if that returns `Action.Shutdown`, the client is already closed.
 * @throws a `GnetError`, with nothing left open: `ErrInvalidOption`, also for options that only a
 * server has; `ErrUnsupportedOp`, `ErrUnsupportedPlatform`.
 */
export function client<Frame extends Buffer = Buffer, Context = unknown>(
  handler: EventHandler<Frame, Context>,
  options?: ClientOptions<Frame>,
): Promise<Client<Context>>;
/** With a codec whose frames are not bytes: `react` gets what its `decode` returns. */
export function client<Frame, Context = unknown>(
  handler: EventHandler<Frame, Context>,
  options: ClientOptions<Frame> & { readonly codec: CodecOption<Frame> },
): Promise<Client<Context>>;
export async function client(
  handler: EventHandler<unknown>,
  options: ClientOptions<unknown> = {},
): Promise<Client> {
  if (handler instanceof URL) {
    throw new ErrInvalidOption(
      'cannot use a handler module for a client: it runs on this thread alone; give the handler itself',
    );
  }
  const calls = handlerCalls(handler);
  checkOptionsObject(options);
  refuseServerOnly(options as Options);
  const { reconnect, ...others } = options;
  const resolved = resolveOptions(others as Options);
  resolved.signal?.throwIfAborted();
  const backend = await chooseBackend(resolved.driver);
  resolved.signal?.throwIfAborted();
  const log = createLogger(resolved);
  reportDriver(backend, resolved, log.logger);
  reportUnknownEvents(handler, log.logger);
  const tls = new ClientTls(options.tls ?? {}, resolved.readBufferCap, (text) =>
    log.logger.warn(text),
  );
  const nothing = { texts: [], endpoints: [], textOf: [], canRestart: false };
  const plan = { calls, options: resolved, backend, log, ...nothing };
  let made: RunningClient;
  try {
    if (options.tls !== undefined) await tls.load();
    made = RunningClient.make(plan, tls, reconnect);
  } catch (error) {
    await log.close();
    throw error;
  }
  await initialize(made, handler, false);
  if (resolved.signal !== undefined) await obey(made, resolved.signal);
  if (loopThreadData !== null) endWithThread(made);
  return made;
}

/** A thread of loops ends with its servers; it is not the program's to say when. */
function endWithThread(made: RunningClient): void {
  const close = (): void => void made.close();
  threadEnd.add(close);
  const forget = (): void => threadEnd.remove(close);
  void made.over.then(forget);
}

function refuseServerOnly(options: Options<unknown>): void {
  for (const [name, harmless] of Object.entries(serverOnly)) {
    const value: unknown = options?.[name as keyof Options];
    if (value === undefined || (harmless as readonly unknown[]).includes(value)) continue;
    throw invalidOption(name, value, 'it to serve: a client listens nowhere and has one loop');
  }
}

function clientStopped(address: string): ErrServerInShutdown {
  return new ErrServerInShutdown(
    `cannot dial '${address}': the client is stopped; make another one with client()`,
    { address },
  );
}
