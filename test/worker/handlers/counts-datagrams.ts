/** Counts the datagrams of each peer; a long one is answered through the server, from the loop's thread. */
import type { EventHandler, LoopContext } from 'gnet';

export default function makeHandler({ server }: LoopContext): EventHandler<Buffer, number> {
  return {
    onOpened(c) {
      c.context = 0;
    },
    react(frame, c) {
      if ((frame?.length ?? 0) > 1) {
        return server.then((view) => view.sendTo(c.remoteAddr, 'from a loop'));
      }
      c.context++;
      return String(c.context);
    },
  };
}
