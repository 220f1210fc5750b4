/** Answers with how the upgrade to TLS failed: at `full` there is no descriptor to load it with. */
import { closeSync, openSync } from 'node:fs';
import { serve } from 'gnet';

function withoutDescriptors(): number[] {
  const held: number[] = [];
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error;
  }
  return held;
}

const server = await serve(
  {
    async react(frame, c) {
      const held = String(frame) === 'full' ? withoutDescriptors() : [];
      // It has no key: where TLS is loaded, that is what is wrong.
      const failed = await c.upgradeTls({ isServer: true } as never).catch((error: Error) => error);
      for (const descriptor of held) closeSync(descriptor);
      const { name, code } = failed as Error & { code?: string };
      return `${name} ${code}\n`;
    },
  },
  'tcp://127.0.0.1:0',
);
process.once('SIGTERM', () => void server.stop());
console.log(`listening on ${server.addr}`);
