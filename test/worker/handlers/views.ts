/** Keeps the view of the first server of its thread, and broadcasts on it when a client of another asks. */
import type { EventHandler, LoopContext, Server } from 'gnet';

const shared = globalThis as { firstView?: Server };

async function broadcastUntilItEnds(view: Server): Promise<string> {
  const counted: Promise<number>[] = [];
  let over = false;
  void view.closed.then(() => {
    over = true;
  });
  while (!over) {
    counted.push(view.broadcast('x'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  // Those that were asked for as it ended, and one after that.
  const [...all] = await Promise.all([...counted, view.broadcast('late')]);
  return `answered, the last with ${all.at(-1)}`;
}

export default function makeHandler({ server }: LoopContext): EventHandler {
  void server.then((view) => {
    shared.firstView ??= view;
  });
  return {
    onOpened: () => 'open',
    react: () => broadcastUntilItEnds(shared.firstView as Server),
  };
}
