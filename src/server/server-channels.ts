/** What channels tell of servers and of restarts. */
import { channels } from '../base/channels.ts';
import { errorOf } from '../base/thrown.ts';
import type { ChannelMessages } from '../connection/channel-messages.ts';
import type { Server } from '../connection/conn.ts';
import type { StopResult } from '../connection/server-view.ts';

export function tellStart(server: Server): void {
  if (!channels.serverStart.hasSubscribers) return;
  channels.serverStart.publish({ server } satisfies ChannelMessages['gnet:server.start']);
}

export function tellStop(server: Server, result: StopResult, error: Error | undefined): void {
  if (!channels.serverStop.hasSubscribers) return;
  const message: ChannelMessages['gnet:server.stop'] = { server, result, error };
  channels.serverStop.publish(message);
}

/** One that nothing can replace: its server goes down. */
export function tellDead(loops: number, error: Error): void {
  if (!channels.loopDead.hasSubscribers) return;
  const message: ChannelMessages['gnet:loop.dead'] = { loop: loops === 1 ? 0 : -1, error };
  channels.loopDead.publish(message);
}

/** Around a restart of so many servers. */
export async function tellRestart<Result extends { readonly pid: number }>(
  servers: number,
  restart: () => Promise<Result>,
): Promise<Result> {
  const { restartStart, restartDone, restartFailed } = channels;
  if (restartStart.hasSubscribers) {
    restartStart.publish({ servers } satisfies ChannelMessages['gnet:restart.start']);
  }
  try {
    const result = await restart();
    if (restartDone.hasSubscribers) {
      const { pid } = result;
      restartDone.publish({ pid } satisfies ChannelMessages['gnet:restart.done']);
    }
    return result;
  } catch (thrown) {
    if (restartFailed.hasSubscribers) {
      const message: ChannelMessages['gnet:restart.failed'] = { error: errorOf(thrown) };
      restartFailed.publish(message);
    }
    throw thrown;
  }
}
