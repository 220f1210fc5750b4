/** What runs in a thread of loops: it does what the main thread orders. */
import type { MessagePort } from 'node:worker_threads';
import type { CodecOption } from '../codec/codec.ts';
import type { Bytes } from '../connection/conn.ts';
import type { Sendable } from '../connection/prepared.ts';
import { connectionList } from '../connection/connection-list.ts';
import { handlerCalls } from '../connection/handler-events.ts';
import type { HandlerCalls } from '../connection/owner.ts';
import type { StopResult } from '../connection/server-view.ts';
import { loadEngine } from '../connection/tls/load-engine.ts';
import type { AnyServerContexts, LoopTls } from '../connection/tls/loop-tls.ts';
import { objectLedger } from '../tls/object-ledger.ts';
import type { PackedSettings } from '../tls/settings-transfer.ts';
import type { TlsServerOptions } from '../tls/options/types.ts';
import { chooseBackend } from '../driver/choose-driver.ts';
import type { GivenSocket } from '../driver/contract.ts';
import { pinThread } from '../driver/pin-thread.ts';
import type { Logger } from '../logging/logger.ts';
import { EventLoop } from '../loop/event-loop.ts';
import { rehearse } from '../loop/rehearsal.ts';
import type { Listening } from '../loop/listening.ts';
import { broadcastBytes, broadcastOn } from '../mailbox/broadcast.ts';
import { packError, packFields, type TransferredError, unpackError } from './error-transfer.ts';
import { loadHandlerModule } from './handler-module.ts';
import { LoopMemory } from '../mailbox/loop-memory.ts';
import { loopThreadData } from './loop-thread-data.ts';
import { openMailbox } from '../mailbox/loop-mailbox.ts';
import type {
  FromThread,
  LoopOrder,
  ObjectsMessage,
  ServerViewData,
  SocketsToGive,
  ToThread,
} from './messages.ts';
import type { LeftMapping } from '../driver/descriptor-ledger.ts';
import { publicationIn } from '../mailbox/publication.ts';
import { threadEnd } from './thread-end.ts';
import { type MainThread, ThreadServer } from './thread-server.ts';

/** What a program's own call of `serve` brings along. */
export interface Joining {
  readonly calls: HandlerCalls;
  readonly codec: CodecOption<unknown> | undefined;
  /** The functions in it: nothing else of it is used. */
  readonly tls: TlsServerOptions;
}

interface Waiting extends Joining {
  readonly resolve: (server: ThreadServer) => void;
  readonly reject: (error: Error) => void;
}

/** Who waits for what the main thread says. */
interface Answered {
  readonly resolve: (value: number) => void;
  readonly reject: (error: Error) => void;
}

/** One loop of this thread. */
interface LoopHere {
  readonly order: LoopOrder;
  /** Null until it listens, and when it could not. */
  loop: EventLoop | null;
  readonly ready: Promise<void>;
}

async function loopTls(order: LoopOrder, own: TlsServerOptions): Promise<LoopTls | undefined> {
  if (order.tls === undefined) return undefined;
  const loop = (await loadEngine()).loop(order.settings.readBufferBytes);
  loop.contexts = await contextsOf(order.tls, own);
  return loop;
}

async function contextsOf(
  packed: PackedSettings,
  own: TlsServerOptions,
): Promise<AnyServerContexts> {
  const engine = await loadEngine();
  const keys = engine.sharedTicketKeys(packed.ticketKeys);
  return engine.serverContexts(engine.unpackSettings(packed, own), keys);
}

function socketsOf(loop: EventLoop): SocketsToGive {
  const found: (GivenSocket | null)[] = [];
  try {
    for (const socket of loop.listening.sockets()) {
      if (socket === undefined)
        return `the driver ${loop.driver.name} cannot give its sockets away`;
      found.push(socket);
    }
  } catch (error) {
    return (error as Error).message;
  }
  return found;
}

class ThreadSide implements MainThread {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  readonly #loops = new Map<number, LoopHere>();
  readonly #views = new Map<number, Set<ThreadServer>>();
  /** Handlers of modules wait for their server. */
  readonly #wanted = new Map<number, (server: ThreadServer) => void>();
  readonly #answers = new Map<number, Answered>();
  #calls = 0;
  #requests = 0;
  #over = false;
  #duplicate: (descriptor: number) => number = () => -1;

  constructor(port: MessagePort, staysUp: boolean) {
    this.#port = port;
    port.on('message', (message: ToThread) => this.#message(message));
    objectLedger.share((memory) => {
      port.postMessage({ type: 'objects', memory } satisfies ObjectsMessage);
    });
    // A program that never calls `serve` in this thread must be able to end.
    if (!staysUp) port.unref();
    // An error or `process.exit()` ends the thread: nothing native may stay behind.
    process.on('exit', () => {
      for (const { loop } of this.#loops.values()) loop?.close();
    });
  }

  /** The program has come to its next call of `serve`. */
  join(texts: readonly string[], joining: () => Joining): Promise<ThreadServer> {
    const call = this.#calls;
    this.#calls++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { ...joining(), resolve, reject });
      // Once it is over there is no answer to wait for.
      if (!this.#over) this.#port.ref();
      this.#post({ type: 'join', call, texts });
    });
  }

  #post(message: FromThread): void {
    this.#port.postMessage(message);
  }

  // -- orders -------------------------------------------------------------------------------------

  #message(message: ToThread): void {
    if (message.type === 'loop') this.#make(message);
    else if (message.type === 'start') this.#start(message.view, message.holds);
    else if (message.type === 'view') this.#settleJoin(message.call, message.view);
    else if (message.type === 'refuse') this.#refuse(message.call, unpackError(message.error));
    else if (message.type === 'close') void this.#close(message.server, message.result);
    else if (message.type === 'drain') void this.#drain(message.server, message.leavesOver);
    else if (message.type === 'accept') this.#listening(message.server)?.accept();
    else if (message.type === 'rehearse') void this.#rehearse(message.server);
    else if (message.type === 'pauseDatagrams') this.#pauseDatagrams(message.server);
    else if (message.type === 'resumeDatagrams') this.#listening(message.server)?.ports.start();
    else if (message.type === 'change') void this.#change(message);
    else if (message.type === 'force') this.#force(message.server);
    else if (message.type === 'duplicated') this.#markDuplicated(message.server);
    else if (message.type === 'broadcast') void this.#broadcast(message);
    else if (message.type === 'datagrams') this.#datagrams(message);
    else if (message.type === 'list') this.#list(message);
    else if (message.type === 'tls') void this.#setTls(message.server, message.tls);
    else if (message.type === 'answer' || message.type === 'unanswered') this.#answer(message);
    else if (message.type === 'places') {
      for (const view of this.#views.get(message.server) ?? []) view.setPlaces(message);
    } else {
      this.#end();
    }
  }

  #end(): void {
    this.#over = true;
    // Not closed: what the program still opens is told to the main thread until the very end.
    this.#port.unref();
    threadEnd.run();
    // A program that waits for its next `serve` would be told of an unsettled top-level await; one that
    // has begun something else at its end goes on with that.
    process.on('beforeExit', () => {
      const goesOn = process.getActiveResourcesInfo().length > 0;
      if (this.#waiting.size > 0 && !goesOn) process.exit(0);
    });
  }

  #make(order: LoopOrder): void {
    const here: LoopHere = {
      order,
      loop: null,
      ready: this.#listen(order).then(
        (loop) => {
          here.loop = loop;
        },
        (error: unknown) => {
          this.#post({ type: 'failed', server: order.server, error: packError(error) });
        },
      ),
    };
    this.#loops.set(order.server, here);
  }

  async #listen(order: LoopOrder): Promise<EventLoop> {
    const { server, settings } = order;
    const logger = this.#loggerFor(server);
    const { calls, codec, tls } = await this.#handlerFor(order);
    const backend = await chooseBackend(order.driver);
    if (backend.native !== undefined) this.#duplicate = backend.native.duplicateDescriptor;
    if (order.pin && !(await pinThread(order.loop))) {
      logger.warn('the thread of a loop could not be kept on one CPU', { loop: order.loop });
    }
    const memory = new LoopMemory(order.memory);
    let lastOpened = -1;
    const publication = publicationIn(memory);
    const ledger = {
      opened(descriptor: number): void {
        lastOpened = descriptor;
        memory.opened(descriptor);
      },
      bits: memory.bits,
      released: (descriptor: number) => memory.released(descriptor),
      mapped: (mapping: LeftMapping) => memory.mapped(mapping),
      unmapping: (address: number) => memory.unmapping(address),
    };
    const loop = new EventLoop(
      backend,
      calls,
      {
        ...settings,
        index: order.loop,
        tls: await loopTls(order, tls),
        firstGeneration: order.firstGeneration,
        publication: { ...publication, ledger },
        connection: {
          ...settings.connection,
          codec,
          // Every loop binds what it listens on by itself to the same addresses.
          socket: { ...settings.connection.socket, reusePort: true },
        },
      },
      {
        shutdownRequested: () => this.#post({ type: 'shutdown', server }),
        loopDied: (error) => this.#die(logger, error),
      },
      logger,
    );
    try {
      const addresses: string[] = [];
      let listenerDescriptor = -1;
      for (const endpoint of order.endpoints) {
        await loop.listening.prepare(endpoint);
        addresses.push(loop.listening.listen(endpoint));
        if (listenerDescriptor === -1) listenerDescriptor = lastOpened;
      }
      openMailbox(loop, memory, logger);
      const sockets = socketsOf(loop);
      this.#post({ type: 'listening', server, addresses, listenerDescriptor, sockets });
    } catch (error) {
      loop.close();
      throw error;
    }
    return loop;
  }

  async #handlerFor(order: LoopOrder): Promise<Joining> {
    if (order.module !== null) {
      const server = new Promise<ThreadServer>((resolve) => {
        this.#wanted.set(order.server, resolve);
      });
      const { handler, codec } = await loadHandlerModule(order.module, {
        loop: order.loop,
        shared: order.settings.shared,
        server,
      });
      return { calls: handlerCalls(handler), codec, tls: {} };
    }
    return this.#waiting.get(order.call) as Waiting;
  }

  /** Checked by the main thread, with the same OpenSSL. */
  async #setTls(server: number, packed: PackedSettings): Promise<void> {
    const here = this.#loops.get(server);
    await here?.ready;
    const tls = here?.loop?.tls;
    if (tls === undefined) return;
    const contexts = await contextsOf(packed, {});
    tls.contexts?.dispose();
    tls.contexts = contexts;
  }

  /** An invariant of a loop does not hold: the whole thread is given up, and replaced. */
  #die(logger: Logger, error: unknown): void {
    logger.fatal('an event loop died; its thread is replaced', { err: error });
    process.exit(1);
  }

  #start(view: ServerViewData, holds: boolean): void {
    const here = this.#loops.get(view.server);
    if (here?.loop === null || here === undefined) return;
    if (holds) here.loop.attach();
    else here.loop.start();
    this.#post({ type: 'started', server: view.server });
    this.#settleJoin(here.order.call, view);
  }

  #settleJoin(call: number, data: ServerViewData): void {
    const waiting = this.#waiting.get(call) ?? { resolve: this.#wanted.get(data.server) };
    this.#waiting.delete(call);
    this.#wanted.delete(data.server);
    const view = new ThreadServer(data, this, this.#loops.get(data.server)?.loop?.face ?? null);
    if (!data.ended) {
      const views = this.#views.get(data.server) ?? new Set();
      this.#views.set(data.server, views.add(view));
    }
    waiting.resolve?.(view);
  }

  #refuse(call: number, error: Error): void {
    this.#waiting.get(call)?.reject(error);
    this.#waiting.delete(call);
  }

  #listening(server: number): Listening | undefined {
    return this.#loops.get(server)?.loop?.listening;
  }

  /** It listens elsewhere, too, or no more. */
  async #change({ server, change }: ToThread & { type: 'change' }): Promise<void> {
    const here = this.#loops.get(server);
    await here?.ready;
    const { loop } = here ?? {};
    if (loop === undefined || loop === null) return; // told by `failed`, or `closed`
    const addresses: string[] = [];
    let error: TransferredError | null = null;
    try {
      for (const place of change.close) await loop.listening.close(place);
      for (const endpoint of change.open) {
        addresses.push(await loop.listening.listenNow(endpoint, change.holds));
      }
    } catch (thrown) {
      error = packError(thrown);
    }
    this.#post({ type: 'changed', server, addresses, error, sockets: socketsOf(loop) });
  }

  async #rehearse(server: number): Promise<void> {
    const order = this.#loops.get(server)?.order;
    if (order === undefined) return;
    // What worked when the loop began may not work now: no descriptor is left for a probe.
    const backend = await chooseBackend(order.driver).catch(() => null);
    if (backend !== null) await rehearse(backend, order.settings);
  }

  #pauseDatagrams(server: number): void {
    this.#listening(server)?.ports.pause();
    this.#post({ type: 'datagramsPaused', server });
  }

  async #drain(server: number, leavesOver: number | null): Promise<void> {
    const here = this.#loops.get(server);
    if (here?.loop === null || here === undefined) return;
    const { listening } = here.loop;
    if (leavesOver !== null) await listening.leave();
    else {
      await listening.prepareDrain();
      listening.drain();
    }
    await here.loop.closeConnections(leavesOver);
    here.loop.stopTicker();
    this.#post({ type: 'drained', server, unfinished: here.loop.unfinished });
  }

  #force(server: number): void {
    this.#loops.get(server)?.loop?.abortConnections(undefined);
  }

  async #close(server: number, result: StopResult): Promise<void> {
    const here = this.#loops.get(server);
    if (here !== undefined) {
      await here.ready;
      this.#loops.delete(server);
      here.loop?.close();
      this.#refuse(here.order.call, new Error('the server was closed before it started'));
      this.#post({ type: 'closed', server });
    }
    for (const view of this.#views.get(server) ?? []) view.end(result);
    this.#views.delete(server);
  }

  /** A listener that others hold must not be shut down for them. */
  #markDuplicated(server: number): void {
    const loop = this.#loops.get(server)?.loop;
    try {
      // By the driver: the runtime warns of descriptors that it closes in a thread and has not opened.
      if (loop?.listening.listensSomewhere) loop.driver.closeDescriptor(loop.listening.duplicate());
    } catch {
      // Closed meanwhile: there is nothing to be careful with.
    }
  }

  async #broadcast(message: ToThread & { type: 'broadcast' }): Promise<void> {
    const { server, request, data } = message;
    const loop = this.#loops.get(server)?.loop;
    const none = { taken: 0, error: null, caughtUp: undefined };
    const { taken, error, caughtUp } = loop ? broadcastOn(loop, data) : none;
    await caughtUp;
    const packed = error === null ? null : packError(error);
    this.#post({ type: 'taken', server, request, count: taken, error: packed });
  }

  #datagrams({ server, request, order }: ToThread & { type: 'datagrams' }): void {
    let error: TransferredError | null = null;
    try {
      this.#loops.get(server)?.loop?.datagrams.obey(order);
    } catch (thrown) {
      error = packError(thrown);
    }
    this.#post({ type: 'taken', server, request, count: 1, error });
  }

  #list({ server, request, order }: ToThread & { type: 'list' }): void {
    const loop = this.#loops.get(server)?.loop;
    const connections = loop ? connectionList(loop.connections(), order) : [];
    this.#post({ type: 'listed', server, request, connections });
  }

  // -- what views ask -----------------------------------------------------------------------------

  stop(server: number, timeout: number | undefined): void {
    this.#post({ type: 'stop', server, timeout });
  }

  async broadcast(server: number, data: Sendable): Promise<number> {
    const bytes = broadcastBytes(data);
    return this.#ask((request) => ({ type: 'broadcast', server, request, data: bytes }));
  }

  async sendTo(server: number, address: string, data: Bytes): Promise<void> {
    await this.#ask((request) => ({ type: 'sendTo', server, request, address, data }));
  }

  #ask(question: (request: number) => FromThread): Promise<number> {
    this.#requests++;
    const request = this.#requests;
    return new Promise((resolve, reject) => {
      this.#answers.set(request, { resolve, reject });
      this.#post(question(request));
    });
  }

  #answer(message: ToThread & { type: 'answer' | 'unanswered' }): void {
    const waiting = this.#answers.get(message.request);
    this.#answers.delete(message.request);
    if (message.type === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(unpackError(message.error));
  }

  duplicated(server: number): void {
    this.#post({ type: 'duplicated', server });
  }

  duplicateDescriptor(descriptor: number): number {
    return this.#duplicate(descriptor);
  }

  #loggerFor(server: number): Logger {
    const write =
      (level: keyof Logger) =>
      (message: string, fields?: object): void =>
        this.#post({ type: 'log', server, level, message, fields: packFields(fields) });
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      fatal: write('fatal'),
    };
  }
}

/** The one of this thread; null in every other thread. */
export const threadSide: ThreadSide | null =
  loopThreadData === null
    ? null
    : new ThreadSide(loopThreadData.port, loopThreadData.kind === 'module');
