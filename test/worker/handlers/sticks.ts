/** Says its loop; 'stick' keeps the thread from doing anything for a long time, 'rest' for a little. */
import type { EventHandler, LoopContext } from 'gnet';

const pause = new Int32Array(new SharedArrayBuffer(4));

export default ({ loop }: LoopContext): EventHandler => ({
  onOpened: () => `${loop}`,
  react(frame) {
    if (String(frame) === 'stick') Atomics.wait(pause, 0, 0, 60_000);
    if (String(frame) === 'rest') Atomics.wait(pause, 0, 0, 400);
    return frame;
  },
});
