import { Action } from './action.ts';
import type { Conn, EventHandler, Reply, TickReply } from './conn.ts';
import type { Server } from './conn.ts';

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
  onError(_c: Conn<Context>, _err: Error): void | Promise<void> {}
  signalClose(_c: Conn<Context>): void | Promise<void> {}
}
