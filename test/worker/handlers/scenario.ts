/** Handlers of the scenarios, chosen by the query of this module's URL; one instance per loop. */
import {
  Action,
  type Conn,
  DelimiterBasedFrameCodec,
  type EventHandler,
  FixedLengthFrameCodec,
  type ICodec,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
  type LoopContext,
  type Server,
  type TickReply,
} from 'gnet';

const query = new URL(import.meta.url).searchParams;
const later = query.get('async') === 'true';

/** Greets, echoes at once or later, shuts down with the last client. */
class Echo implements EventHandler {
  server: Server | null = null;
  onOpened(c: Conn) {
    if (c.localAddr === '' || c.remoteAddr === '') return 'no address';
    c.context = c;
    return 'sweetness\r\n';
  }
  onClosed(c: Conn, error?: Error) {
    if (error !== undefined || c.context !== c) return Action.None;
    return this.server?.countConnections() === 0 ? Action.Shutdown : Action.None;
  }
  react(frame: Buffer | null, c: Conn) {
    if (frame === null) return null;
    if (frame.toString('latin1', 0, 9) === 'shutdown!') return [frame, Action.Shutdown] as const;
    if (!later) return frame;
    const copy = Buffer.from(frame);
    setImmediate(() => (c.id === -1 ? c.sendTo(copy) : c.asyncWrite(copy)));
    return undefined;
  }
}

/** Ten connections over all loops: any tick that sees them shuts down. */
class TickShutdown implements EventHandler {
  server: Server | null = null;
  tick(): TickReply {
    return this.server?.countConnections() === 10 ? [10, Action.Shutdown] : 10;
  }
}

/** The second tick wakes who is there. */
class Waker implements EventHandler {
  #conn: Conn | null = null;
  onOpened(c: Conn): void {
    this.#conn = c;
  }
  onClosed() {
    return Action.Shutdown;
  }
  react() {
    return ['Waking up.', -1 as Action] as const;
  }
  tick(): TickReply {
    this.#conn?.wake();
    return this.#conn === null ? 10 : 60_000;
  }
}

class ClosedWakeUp implements EventHandler {
  async react(_frame: Buffer | null, c: Conn) {
    setImmediate(() => c.wake());
    setImmediate(() => c.close());
    await new Promise((resolve) => setTimeout(resolve, 20));
    return c.remoteAddr === '' ? 'no address' : 'answer';
  }
}

const shutdownOnClose = { onClosed: () => Action.Shutdown };

const handlers: Record<string, () => EventHandler> = {
  echo: () => new Echo(),
  tickShutdown: () => new TickShutdown(),
  wake: () => new Waker(),
  closedWakeUp: () => new ClosedWakeUp(),
  closeAction: () => ({ react: (frame) => [frame, Action.Close], ...shutdownOnClose }),
  shutdownAction: () => ({
    react(frame, c) {
      c.readN(-1);
      return [frame, Action.Shutdown];
    },
  }),
  closeOnOpen: () => ({ onOpened: () => Action.Close, ...shutdownOnClose }),
  shutdownOnOpen: () => ({ onOpened: () => Action.Shutdown }),
  closeLater: () => ({
    react(frame, c) {
      setTimeout(() => c.close(), 20);
      return frame;
    },
    ...shutdownOnClose,
  }),
  plain: () => ({ react: (frame) => frame }),
};

const codecs: Record<string, () => ICodec> = {
  line: () => new LineBasedFrameCodec(),
  delimiter: () => new DelimiterBasedFrameCodec('|'),
  fixed: () => new FixedLengthFrameCodec(64),
  length: () =>
    new LengthFieldBasedFrameCodec(
      { byteOrder: 'BE', lengthFieldLength: 4 },
      { byteOrder: 'BE', lengthFieldOffset: 0, lengthFieldLength: 4, initialBytesToStrip: 4 },
    ),
};

export const codec: ICodec | undefined = codecs[query.get('codec') ?? '']?.();

export default function makeHandler(context: LoopContext): EventHandler {
  const handler = (handlers[query.get('scenario') ?? ''] as () => EventHandler)();
  void context.server.then((server) => Object.assign(handler, { server }));
  return handler;
}
