/** A hub in each of two threads; what one publishes the other hears. Both are left open at the end. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { type Subscriber, topics } from 'gnet/topics';

const hub = topics('threads');

if (isMainThread) {
  const thread = new Worker(new URL(import.meta.url));
  thread.on('message', (word) => {
    if (word === 'subscribed') {
      hub.publish('news', 'hello');
      return;
    }
    console.log(`heard ${word}`);
    void thread.terminate();
  });
} else {
  const port = parentPort as NonNullable<typeof parentPort>;
  const send = (message: { readonly payload: Uint8Array }): boolean => {
    port.postMessage(String(message.payload));
    return true;
  };
  // It keeps the thread running.
  port.on('message', () => {});
  hub.subscribe({ isOpen: true, bufferedAmount: 0, send } as unknown as Subscriber, 'news');
  port.postMessage('subscribed');
}
