/** Says its id, tells its safe context, and sets it to what it is sent. */
import type { Conn } from 'gnet';
import { deepValue } from './deep-value.ts';

export default {
  onOpened: (c: Conn) => `${c.id}\n`,
  react(frame: Buffer | null, c: Conn) {
    if (String(frame) === 'get') return `${JSON.stringify(c.safeContext ?? null)}\n`;
    if (String(frame) === 'function') c.safeContext = { name: 'x', greet() {} };
    else if (String(frame) === 'deep') c.safeContext = deepValue();
    else c.safeContext = { said: String(frame), at: new Date(0), bytes: Buffer.from('b') };
    return 'set\n';
  },
};
