/**
 * Keeps the thread of the loop that had a connection from doing anything for a long time, right after it has
 * said that nothing is open any more: no timer of its own is sure to run before it hears that it may end.
 */
import { MessagePort } from 'node:worker_threads';
import type { EventHandler } from 'gnet';

const pause = new Int32Array(new SharedArrayBuffer(4));

function stickAfterDraining(): void {
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function post(this: MessagePort, ...args: [unknown]) {
    postMessage.apply(this, args);
    if ((args[0] as { readonly type?: string } | null)?.type !== 'drained') return;
    Atomics.wait(pause, 0, 0, 60_000);
  };
}

export default (): EventHandler => ({
  onOpened() {
    stickAfterDraining();
    return 'hello';
  },
});
