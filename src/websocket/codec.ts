import type { FrameSource, ICodec } from '../codec/index.ts';
import type { Conn, EventHandler, Reply } from '../index.ts';
import { CloseCode } from './close-codes.ts';
import type { WebSocketHandler } from './options.ts';
import type { WebSocketSession } from './session.ts';

function sessionOf(source: FrameSource): WebSocketSession {
  return source.context as WebSocketSession;
}

/** What a connection does is known by its session: one codec serves all. */
const webSocketCodec: ICodec = {
  decode: (source) => sessionOf(source).decode(source),
  encode() {
    throw new Error('Cannot encode a message by itself: encodeInto does');
  },
  encodeInto: (source, payload, sink) => sessionOf(source).encodeInto(payload, sink),
};

/** Gives the events of a connection to the handler of its WebSocket. */
class Bridge implements EventHandler<Buffer, WebSocketSession> {
  readonly #handler: WebSocketHandler<never>;

  constructor(handler: WebSocketHandler<never>) {
    this.#handler = handler;
  }

  react(frame: Buffer | null, c: Conn<WebSocketSession>): Reply | Promise<Reply> {
    const session = c.context;
    if (frame === null) return undefined;
    const { isText } = session;
    let answer: ReturnType<NonNullable<WebSocketHandler['message']>>;
    try {
      answer = this.#handler.message?.(session as never, frame, isText);
    } catch (error) {
      sayFailed(session);
      throw error;
    }
    if (typeof (answer as { then?: unknown } | null | undefined)?.then === 'function') {
      return this.#later(session, answer as Promise<Reply>, isText);
    }
    session.answersInKind(isText);
    return session.isOpen ? (answer as Reply) : undefined;
  }

  /** Sends it itself: what is sent, or closed, before the loop hears of the answer has its own kind. */
  async #later(session: WebSocketSession, promise: Promise<Reply>, isText: boolean) {
    try {
      const answer = await promise;
      const isMessage = typeof answer === 'string' || answer instanceof Uint8Array;
      if (!isMessage) return session.isOpen ? answer : undefined;
      session.answer(answer, isText);
      return undefined;
    } catch (error) {
      sayFailed(session);
      throw error;
    }
  }

  onDrain(c: Conn<WebSocketSession>): void {
    if (c.context.isOpen) this.#handler.drain?.(c.context as never);
  }

  /** Without a goodbye: it was cut off. */
  onEnd(c: Conn<WebSocketSession>): void {
    c.close();
  }

  signalClose(c: Conn<WebSocketSession>): void {
    c.context.close(CloseCode.GoingAway);
  }

  onClosed(c: Conn<WebSocketSession>): void {
    const { code, reason } = c.context.ended();
    this.#handler.close?.(c.context as never, code, reason);
  }
}

function sayFailed(session: WebSocketSession): void {
  session.close(CloseCode.InternalError);
}

const bridges = new WeakMap<WebSocketHandler<never>, Bridge>();

/** The connection is this session's from now on. Calls `open`. @throws what that throws. */
export function begin(session: WebSocketSession): void {
  const { conn } = session;
  const handler = session.handler as WebSocketHandler<never>;
  let bridge = bridges.get(handler);
  if (bridge === undefined) {
    bridge = new Bridge(handler);
    bridges.set(handler, bridge);
  }
  conn.context = session;
  conn.setCodec(webSocketCodec);
  conn.setHandler(bridge as EventHandler<Buffer, unknown>);
  try {
    handler.open?.(session as never);
  } catch (error) {
    sayFailed(session);
    throw error;
  }
}
