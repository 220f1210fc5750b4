import { isPromise, watch } from '../base/settled.ts';
import type { FrameSource, ICodec } from '../codec/index.ts';
import type { Bytes, Conn, EventHandler, Reply } from '../index.ts';
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
  encodeInto: (source, payload, sink) => sessionOf(source).sender.encodeInto(payload, sink),
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
    session.rethrow();
    return session.isCompressed ? this.#inflated(session, frame) : this.#message(session, frame);
  }

  /** Waits for another thread. */
  async #inflated(session: WebSocketSession, compressed: Buffer): Promise<Reply> {
    const message = await session.decompressed(compressed);
    if (message === null) return undefined;
    const { isText, sender } = session;
    const answer = await this.#message(session, message);
    if (!isMessage(answer)) return answer;
    session.answer(answer, isText);
    return sender.room();
  }

  #message(session: WebSocketSession, frame: Buffer): Reply | Promise<Reply> {
    const { isText, sender } = session;
    let answer: ReturnType<NonNullable<WebSocketHandler['message']>>;
    try {
      answer = this.#handler.message?.(session as never, frame, isText);
    } catch (error) {
      return failed(session, error);
    }
    if (answer === undefined) return sender.room();
    if (isMessage(answer)) {
      if (sender.answersLater(answer)) session.answer(answer, isText);
      else if (session.isOpen) {
        sender.answersInKind(isText);
        return answer;
      }
      return sender.room();
    }
    if (isPromise(answer)) {
      return this.#later(session, answer as Promise<Reply>, isText);
    }
    return session.isOpen ? (answer as Reply) : sender.room();
  }

  /** Sends it itself: what is sent, or closed, before the loop hears of the answer has its own kind. */
  async #later(session: WebSocketSession, promise: Promise<Reply>, isText: boolean) {
    let answer: Reply;
    session.held++;
    try {
      answer = await promise;
    } catch (error) {
      return failed(session, error);
    } finally {
      session.held--;
    }
    if (isMessage(answer)) session.answer(answer, isText);
    else if (session.isOpen) return answer;
    return session.sender.room();
  }

  onDrain(c: Conn<WebSocketSession>): void {
    // What still waits to be compressed tells when there is.
    if (c.context.sender.hasRoom) c.context.drained();
  }

  /** Nothing more comes; what was sent still leaves. */
  onEnd(c: Conn<WebSocketSession>): Promise<void> | void {
    const empty = c.context.sender.empty();
    if (empty === undefined) c.close();
    else return empty.then(() => c.close());
  }

  signalClose(c: Conn<WebSocketSession>): Promise<void> | void {
    c.context.close(CloseCode.GoingAway);
    return c.context.sender.empty();
  }

  onClosed(c: Conn<WebSocketSession>): Promise<void> | void {
    const { code, reason } = c.context.ended();
    const answer: unknown = this.#handler.close?.(c.context as never, code, reason);
    // The loop reports what it rejects with; what it resolves with is no answer of a connection.
    if (isPromise(answer)) return endOf(answer);
  }
}

async function endOf(answer: PromiseLike<unknown>): Promise<void> {
  await answer;
}

function isMessage(answer: unknown): answer is Bytes {
  return typeof answer === 'string' || answer instanceof Uint8Array;
}

/** Says so behind what was sent, and has the loop report it. @throws the error, now or later. */
function failed(session: WebSocketSession, error: unknown): Promise<never> {
  session.close(CloseCode.InternalError);
  const empty = session.sender.empty();
  if (empty === undefined) throw error;
  return empty.then(() => {
    throw error;
  });
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
    watch(handler.open?.(session as never), (thrown) => session.rejected(thrown));
  } catch (error) {
    session.close(CloseCode.InternalError);
    throw error;
  }
  // The peer ended its side before, and nothing will tell of it again.
  if (conn.readEnded) conn.close();
}
