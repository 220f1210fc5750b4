/** 'wrong' calls `stop` with a time limit that is none, and answers with the code of what comes of it. */
import type { EventHandler, LoopContext, Server } from 'gnet';

export default async function makeHandler(context: LoopContext): Promise<EventHandler> {
  let server: Server | undefined;
  void context.server.then((view) => {
    server = view;
  });
  return {
    onOpened: () => `${context.loop}`,
    async react(frame) {
      if (String(frame) !== 'wrong') return frame;
      const outcome = server?.stop({ timeout: Number.NaN });
      return outcome?.then(
        () => 'stopped',
        (error: { readonly code: string }) => error.code,
      );
    },
  };
}
