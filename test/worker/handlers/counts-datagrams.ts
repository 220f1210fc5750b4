/**
 * Counts the datagrams of each peer; a long one is answered through the server, from the loop's thread.
 * 'loop?' is answered with the loop as well, 'die' ends the thread.
 */
import type { EventHandler, LoopContext } from 'gnet';

export default function makeHandler({ server, loop }: LoopContext): EventHandler<Buffer, number> {
  return {
    onOpened(c) {
      c.context = 0;
    },
    react(frame, c) {
      c.context++;
      const said = String(frame);
      if (said === 'die') process.exit(3);
      if (said === 'loop?') return `${loop} ${c.context}`;
      if (said.length > 1) {
        return server.then((view) => view.sendTo(c.remoteAddr, 'from a loop'));
      }
      return String(c.context);
    },
  };
}
