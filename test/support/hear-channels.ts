import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChannelMessages } from 'gnet';
import type { TestScope } from './rig.ts';

type Name = keyof ChannelMessages;

/** What came, in order: the name without `gnet:`, and what `describe` makes of the message. */
export function hear<const Heard extends Name>(
  t: TestScope,
  names: readonly Heard[],
  describe: (message: ChannelMessages[Heard], name: Heard) => unknown,
): string[] {
  const heard: string[] = [];
  for (const name of names) {
    const listener = (message: unknown): void => {
      const said = describe(message as ChannelMessages[Heard], name);
      heard.push(`${name.slice('gnet:'.length)} ${String(said)}`.trimEnd());
    };
    subscribe(name, listener);
    t.after(() => unsubscribe(name, listener));
  }
  return heard;
}
