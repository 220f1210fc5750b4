/** Keeps the thread from doing anything for a long time, right after its last connection has closed. */
import type { EventHandler } from 'gnet';

const pause = new Int32Array(new SharedArrayBuffer(4));

export default (): EventHandler => ({
  onOpened: () => 'hello',
  onClosed() {
    setTimeout(() => Atomics.wait(pause, 0, 0, 60_000), 0);
  },
});
