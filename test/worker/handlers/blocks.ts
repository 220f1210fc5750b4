/** 'block' keeps the thread of the loop until the file of the query is gone; another file says so. */
import { existsSync, writeFileSync } from 'node:fs';
import type { EventHandler, LoopContext } from 'gnet';

const path = new URL(import.meta.url).searchParams.get('path') as string;
const pause = new Int32Array(new SharedArrayBuffer(4));

export default ({ loop }: LoopContext): EventHandler => ({
  react(frame) {
    if (String(frame) !== 'block' || !existsSync(path)) return;
    writeFileSync(`${path}.${loop}`, '');
    while (existsSync(path)) Atomics.wait(pause, 0, 0, 1);
  },
});
