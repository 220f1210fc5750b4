import { type Conn, ErrUnsupportedOp } from '../index.ts';
import { FrameFeed } from './frame-feed.ts';

export interface FramesOptions {
  /**
   * Leaving the loop early leaves the connection open, paused, for `setHandler` or another `frames`.
   * Default false: it is closed, behind what was written.
   */
  readonly keepOpen?: boolean;
  /** Aborting it ends the iteration with the reason of the signal, and the connection with it. */
  readonly signal?: AbortSignal;
}

/**
 * The frames of a connection, as its codec cuts them, one at a time:
 *
 *     for await (const frame of frames(c)) c.asyncWrite(reply(frame));
 *
 * A frame is lent until the next one is asked for. Nothing is read from the peer while more than a few
 * frames wait. The loop ends when the peer has, and throws what `onClosed` would be told. From now on
 * the connection's events come here, and no longer to its handler.
 * @throws ErrUnsupportedOp for a datagram.
 */
export function frames<Frame = Buffer>(
  c: Conn,
  options: FramesOptions = {},
): AsyncIterableIterator<Frame> & AsyncDisposable {
  if (c.id === -1) {
    throw new ErrUnsupportedOp(
      'cannot iterate over the frames of a datagram: it is one; use datagrams()',
    );
  }
  const feed = new FrameFeed<Frame>(c, options);
  c.setHandler<Frame>(feed);
  return feed.iterator();
}
