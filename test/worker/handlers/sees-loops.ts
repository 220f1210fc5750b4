/** Says which loop it is, in each way that a program can ask. */
import { type EventHandler, type LoopContext, loopIndex } from 'gnet';

const first = loopIndex;

export default function make({ loop, shared }: LoopContext): EventHandler {
  return {
    onOpened(c) {
      const counters = new Int32Array(shared as SharedArrayBuffer);
      const same = c.loop.shared === shared && c.loop.index === loop && first === loop;
      return `${loop} ${same} ${Atomics.add(counters, 0, 1) + 1}\n`;
    },
  };
}
