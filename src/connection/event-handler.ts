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
 * never two at once for one connection.
 */
export interface EventHandler {
  /** The server listens on all addresses; no connection has been accepted yet. */
  onInitComplete?(server: Server): Action | void;
  /** Everything is closed; comes after every `onClosed`. */
  onShutdown?(server: Server): void;
  /** A connection is open. Bytes returned are sent as they are: no codec, no `preWrite`. */
  onOpened?(c: Conn): Reply;
  /** The connection is gone; `err` is why, or undefined for EOF, `close()`, actions and `stop`. */
  onClosed?(c: Conn, err?: Error): Action | void;
  /** Just before bytes are handed to the kernel. */
  preWrite?(c: Conn): void;
  /**
   * One frame, or null after `c.wake()`. The frame is lent until this returns, or until the promise
   * it returned settles; later frames of this connection wait for that.
   */
  react?(frame: Buffer | null, c: Conn): Reply | Promise<Reply>;
  /** Pending output fell to `lowWaterMark` after a write had returned false. Once per crossing. */
  onDrain?(c: Conn): void;
  /** The peer has ended its side; everything it sent has been delivered. */
  onEnd?(c: Conn): void;
  /** With `ticker`: runs first right after start. Never after `onShutdown`. */
  tick?(): TickReply | Promise<TickReply>;
  /** The server is stopping: say goodbye. Once per open connection. */
  signalClose?(c: Conn): void;
}

/** A handler that does nothing: extend it and override what you need. */
export class EventServer implements EventHandler {
  onInitComplete(_server: Server): Action | void {
    return Action.None;
  }
  onShutdown(_server: Server): void {}
  onOpened(_c: Conn): Reply {}
  onClosed(_c: Conn, _err?: Error): Action | void {
    return Action.None;
  }
  preWrite(_c: Conn): void {}
  react(_frame: Buffer | null, _c: Conn): Reply | Promise<Reply> {}
  onDrain(_c: Conn): void {}
  onEnd(_c: Conn): void {}
  tick(): TickReply | Promise<TickReply> {
    return 1_000;
  }
  signalClose(_c: Conn): void {}
}
