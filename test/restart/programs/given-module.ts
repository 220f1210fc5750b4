/** A handler module that fails in the loop that `shared` names. */
import type { EventHandler } from 'gnet';

export default function handlerFor(context: {
  readonly loop: number;
  readonly shared: unknown;
}): EventHandler<unknown> {
  if (context.loop === context.shared) throw new Error(`loop ${context.loop} has no handler`);
  return {};
}
