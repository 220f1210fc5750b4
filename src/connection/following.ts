/** What the follower of a connection is told. */
import type { Follower } from './follower.ts';
import { type Connection, type ConnectionRecord, is, rareOf } from './record.ts';
import { mark, State } from './states.ts';

/** From now on, in the place of whoever followed it before. */
export function follow(c: ConnectionRecord, follower: Follower): void {
  rareOf(c).follower = follower;
}

export function followerOf(c: ConnectionRecord): Follower | null {
  return c.rare === null ? null : c.rare.follower;
}

/** Nothing is to come of `onOpened` any more: its promise is not pending, its answer has been taken. */
export function tellOpeningAnswered(c: Connection): void {
  const follower = followerOf(c);
  if (follower === null || c.state !== State.Open) return;
  // Its answer goes out although `onOpened` has called `close()`, and so does what waited for that.
  if (is(c, mark.closeRequested)) c.marks |= mark.lastWords;
  follower.openingAnswered(c);
  c.marks &= ~mark.lastWords;
}

/** Only of one that is open: what ends already has its reason. */
export function tellLeaving(c: Connection, inOrder: boolean): void {
  if (c.state === State.Open) followerOf(c)?.programLeaves(c, inOrder);
}

/** Of a connection that the program knows of. */
export function tellClosed(c: Connection, error: Error | undefined): void {
  followerOf(c)?.connectionClosed(c, error, is(c, mark.heard));
}
