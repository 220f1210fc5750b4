import { type Conn, ErrUnsupportedOp } from '../index.ts';
import { FrameFeed } from './frame-feed.ts';

export interface FramesOptions {
  /**
   * If you leave the loop early, the connection stays open and paused, for `setHandler` or another
   * `frames`. Default false: it closes after its written data has gone out.
   */
  readonly keepOpen?: boolean;
  /** Ends the iteration with the reason of the signal, and the connection, when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * The frames from a connection's codec, one at a time:
 *
 *     for await (const frame of frames(c)) c.asyncWrite(reply(frame));
 *
 * A frame is lent until you ask for the next one. While more than a few frames wait, gnet reads
 * nothing from the peer. The loop ends when the peer ends, and throws the error that `onClosed`
 * would get. From now on the iteration gets the connection's events instead of its handler.
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
