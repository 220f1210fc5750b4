/**
 * 'die' ends the thread of loop 1. The thread that takes over says that its loop listens, and is stuck then,
 * before it hears that the loop may run; the file that the query names is made when it is.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { MessagePort } from 'node:worker_threads';
import type { EventHandler, LoopContext } from 'gnet';

const path = new URL(import.meta.url).searchParams.get('path') as string;
const pause = new Int32Array(new SharedArrayBuffer(4));

function stickAfterListening(): void {
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function post(this: MessagePort, ...args: [unknown]) {
    postMessage.apply(this, args);
    if ((args[0] as { readonly type?: string } | null)?.type !== 'listening') return;
    writeFileSync(`${path}.stuck`, '');
    Atomics.wait(pause, 0, 0, 60_000);
  };
}

export default ({ loop }: LoopContext): EventHandler => {
  if (loop === 1 && existsSync(path)) stickAfterListening();
  return {
    onOpened: () => `${loop}`,
    react(frame) {
      if (loop !== 1) return frame;
      writeFileSync(path, '');
      process.exit(3);
    },
  };
};
