/** What the follower of a connection is told. */
import type { Follower } from './follower.ts';
import { handlerRuns } from './pausing.ts';
import { type Connection, type ConnectionRecord, is, rareOf } from './record.ts';
import { mark, State } from './states.ts';

/** From now on, in the place of whoever followed it before. */
export function follow(c: ConnectionRecord, follower: Follower): void {
  rareOf(c).follower = follower;
}

export function followerOf(c: ConnectionRecord): Follower | null {
  return c.rare === null ? null : c.rare.follower;
}

/** Nothing is to come of `onOpened` any more, unless its promise is pending. */
export function tellOpeningAnswered(c: Connection): void {
  if (c.state === State.Open && !handlerRuns(c)) followerOf(c)?.openingAnswered(c);
}

/** Only of one that is open: what ends already has its reason. */
export function tellLeaving(c: Connection, inOrder: boolean): void {
  if (c.state === State.Open) followerOf(c)?.programLeaves(c, inOrder);
}

/** Of a connection that the program knows of. */
export function tellClosed(c: Connection, error: Error | undefined): void {
  followerOf(c)?.connectionClosed(c, error, is(c, mark.heard));
}
