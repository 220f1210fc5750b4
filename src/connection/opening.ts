/** The beginning of a connection, as the program sees it. */
import { callOnOpened } from './call-handler.ts';
import { tellOpen } from './conn-channels.ts';
import { sendPending } from './flushing.ts';
import { followerOf, tellOpeningAnswered } from './following.ts';
import { handlerRuns } from './pausing.ts';
import { type Connection, isClosed } from './record.ts';
import { mark } from './states.ts';
import { countFromNow, countsSilence } from './timeout-clock.ts';

/** The stream is open; calls `onOpened`. */
export function opened(c: Connection): void {
  c.marks &= ~mark.unopened;
  if (countsSilence(c)) countFromNow(c);
  tellOpen(c);
  followerOf(c)?.connectionOpened(c);
  if (c.events.onOpened) callOnOpened(c);
  if (!handlerRuns(c)) tellOpeningAnswered(c);
  if (c.events.onOpened && !isClosed(c)) sendPending(c);
}
