/** A thread whose loops begin while the other thread stands still, which publishes as soon as they have. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Subscriber, topics } from 'gnet/topics';
import { rounds, type Shared, step } from './latecomer-steps.ts';

const { words, missed } = workerData as Shared;
const state = new Int32Array(words);
const port = parentPort as NonNullable<typeof parentPort>;

/** Begins, and says so only by memory that both share: nothing of it has gone through the runtime. */
function begin(round: number): Promise<void> {
  const hub = topics(`late ${round}`);
  return new Promise((resolve) => {
    const heard = (): boolean => {
      clearTimeout(inVain);
      void hub.close().then(resolve);
      return true;
    };
    const inVain = setTimeout(() => {
      port.postMessage(`nothing came in round ${round}`);
      resolve();
    }, missed);
    const subscriber = { isOpen: true, bufferedAmount: 0, send: heard };
    hub.subscribe(subscriber as unknown as Subscriber, 'news');
    Atomics.store(state, 0, step.subscribed);
    Atomics.notify(state, 0);
  });
}

port.postMessage('here');
for (let round = 0; round < rounds; round++) {
  await new Promise((resolve) => port.once('message', resolve));
  await begin(round);
  port.postMessage('heard');
}
port.close();
