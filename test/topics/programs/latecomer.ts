/** A thread whose loops begin while the other thread stands still, which publishes as soon as they have. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Subscriber, topics } from 'gnet/topics';
import { rounds, type Shared, step, wanted } from './latecomer-steps.ts';

const { words, missedMs } = workerData as Shared;
const state = new Int32Array(words);
const port = parentPort as NonNullable<typeof parentPort>;

/** Begins, and says so only by memory that both share: nothing of it has gone through the runtime. */
async function begin(round: number): Promise<string> {
  const hub = topics(`late ${round}`);
  const said = await new Promise<string>((resolve) => {
    const inVain = setTimeout(resolve, missedMs, `missed it in round ${round}`);
    const send = (message: { readonly payload: Uint8Array }): boolean => {
      // What was published a moment before may come, too.
      if (String(message.payload) === wanted) {
        clearTimeout(inVain);
        resolve('heard');
      }
      return true;
    };
    const subscriber = { isOpen: true, bufferedAmount: 0, send };
    hub.subscribe(subscriber as unknown as Subscriber, 'news');
    Atomics.store(state, 0, step.subscribed);
    Atomics.notify(state, 0);
  });
  await hub.close();
  return said;
}

port.postMessage('here');
for (let round = 0; round < rounds; round++) {
  await new Promise((resolve) => port.once('message', resolve));
  port.postMessage(await begin(round));
}
port.close();
