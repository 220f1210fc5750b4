/** Says its id, tells its safe context, and sets it to what it is sent. */
import type { Conn } from 'gnet';

export default {
  onOpened: (c: Conn) => `${c.id}\n`,
  react(frame: Buffer | null, c: Conn) {
    if (String(frame) === 'get') return `${JSON.stringify(c.safeContext ?? null)}\n`;
    c.safeContext = { said: String(frame), at: new Date(0), bytes: Buffer.from('b') };
    return 'set\n';
  },
};
