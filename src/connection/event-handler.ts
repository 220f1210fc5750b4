import { Action } from './action.ts';
import type { Bytes, Conn } from './conn.ts';
import type { Server } from './server-view.ts';

/** What an event may answer: bytes, an action, both, or nothing. */
export type Reply =
  | Bytes
  | Action
  | readonly [Bytes | null | undefined, Action]
  | null
  | undefined
  | void;

/** What `tick` may answer: the next delay in ms (at least 1; nothing means 1,000), or with an action. */
export type TickReply = number | readonly [number, Action] | null | undefined | void;

/**
 * The program's side: every method is optional. `onInitComplete` and `onShutdown` run once, on the
 * main thread's handler; `tick` runs in every loop; all others in the loop that owns the connection,
 * one at a time.
 *
 * Any event may return a promise; that it is rejected counts as a throw of that event. `serve` waits
 * for that of `onInitComplete`, and the end of the server for that of `onShutdown`. While that of
 * `onOpened`, `react`, `onEnd` or `signalClose` is open, later frames of the connection and its close
 * wait. Nothing waits for those of `onClosed`, `preWrite` and `onDrain`.
 *
 * `Frame` is what the codec cuts the stream into, `Context` the type of `c.context`.
 *
 * Events see the `AsyncLocalStorage` of whoever called `serve`, or `dial` for a connection of a
 * client: never what another event has left.
 */
export interface EventHandler<Frame = Buffer, Context = unknown> {
  /** The server listens on all addresses; no connection has been accepted yet. */
  onInitComplete?(server: Server): Action | void | Promise<Action | void>;
  /** Everything is closed; comes after every `onClosed`. */
  onShutdown?(server: Server): void | Promise<void>;
  /** A connection is open. Bytes returned are sent as they are: no codec, no `preWrite`. */
  onOpened?(c: Conn<Context>): Reply | Promise<Reply>;
  /** The connection is gone; `err` is why, or undefined for EOF, `close()`, actions and `stop`. */
  onClosed?(c: Conn<Context>, err?: Error): Action | void | Promise<Action | void>;
  /** Just before bytes are handed to the kernel. */
  preWrite?(c: Conn<Context>): void | Promise<void>;
  /**
   * One frame, or null after `c.wake()`. The frame is lent until this returns, or until the promise
   * it returned settles; later frames of this connection wait for that.
   */
  react?(frame: Frame | null, c: Conn<Context>): Reply | Promise<Reply>;
  /** Pending output fell to `lowWaterMark` after a write had returned false. Once per crossing. */
  onDrain?(c: Conn<Context>): void | Promise<void>;
  /** The peer has ended its side; everything it sent has been delivered. */
  onEnd?(c: Conn<Context>): void | Promise<void>;
  /** With `ticker`: runs first right after start. Never after `onShutdown`. */
  tick?(): TickReply | Promise<TickReply>;
  /** The server is stopping: say goodbye. Once per open connection. */
  signalClose?(c: Conn<Context>): void | Promise<void>;
}

/** A handler that does nothing: extend it and override what you need. */
export class EventServer<Frame = Buffer, Context = unknown>
  implements EventHandler<Frame, Context>
{
  onInitComplete(_server: Server): Action | void | Promise<Action | void> {
    return Action.None;
  }
  onShutdown(_server: Server): void | Promise<void> {}
  onOpened(_c: Conn<Context>): Reply | Promise<Reply> {}
  onClosed(_c: Conn<Context>, _err?: Error): Action | void | Promise<Action | void> {
    return Action.None;
  }
  preWrite(_c: Conn<Context>): void | Promise<void> {}
  react(_frame: Frame | null, _c: Conn<Context>): Reply | Promise<Reply> {}
  onDrain(_c: Conn<Context>): void | Promise<void> {}
  onEnd(_c: Conn<Context>): void | Promise<void> {}
  tick(): TickReply | Promise<TickReply> {
    return 1_000;
  }
  signalClose(_c: Conn<Context>): void | Promise<void> {}
}
