/** Retains each frame, and forgets it. */
import type { Conn, EventHandler } from 'gnet';

function keep(frame: Buffer | null, c: Conn): void {
  if (frame !== null) c.retain(frame);
}

export default (): EventHandler => ({
  react(frame, c) {
    keep(frame, c);
  },
});
