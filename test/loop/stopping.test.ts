/** The end of a loop, as the server directs it. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { workingTimeNumbers } from '../../src/loop/working-time.ts';
import { simulatedLoop } from './simulated-loop.ts';

test('a stop that was forced before it began waits for none of those who came with the backlog', async () => {
  const asked: string[] = [];
  let closed = 0;
  const rig = simulatedLoop(
    {
      react(frame) {
        asked.push(String(frame));
        return new Promise<never>(() => {});
      },
      onClosed() {
        closed++;
      },
    },
    {
      connection: {
        // Without this limit nothing else would ever end a handler that never does.
        timeouts: { idleTimeout: 0, readTimeout: 0, writeTimeout: 0, closeTimeout: 0 },
      },
    },
  );
  rig.connect().write(Buffer.from('open'));
  await rig.turns(3);
  rig.loop.abortConnections(undefined);
  assert.equal(closed, 1);
  rig.connect().write(Buffer.from('late'));
  rig.loop.listening.drain();
  let isOver = false;
  void rig.loop.closeConnections().then(() => {
    isOver = true;
  });
  await rig.turns(20);
  assert.ok(isOver, 'nothing is waited for');
  assert.deepEqual(asked, ['open', 'late'], 'what had arrived is handled all the same');
  assert.equal(closed, 2);
  assert.deepEqual(rig.deaths, []);
  const { forced, unsettledHandlers } = rig.loop.unfinished;
  assert.deepEqual({ forced, unsettledHandlers }, { forced: 2, unsettledHandlers: 2 });
  rig.loop.close();
});

test('a mailbox that other threads fill without a pause does not hold up a stop', async () => {
  let asked = 0;
  const rig = simulatedLoop({ react: () => 'answer' });
  const peer = rig.connect();
  peer.write(Buffer.from('question'));
  await rig.turns(3);
  const inbox = {
    drain() {
      asked++;
      // Without a bound the thread would never come out of the stop.
      if (asked > 10_000) throw new Error('the stop looks into the mailbox for ever');
      return true;
    },
    aboutToSleep: () => false,
    close() {},
  };
  const workingTime = new Float64Array(workingTimeNumbers);
  const publication = { opened() {}, closed() {}, publish() {}, workingTime };
  rig.loop.share(inbox, publication as unknown as Parameters<typeof rig.loop.share>[1]);
  rig.loop.listening.drain();
  let isOver = false;
  void rig.loop.closeConnections().then(() => {
    isOver = true;
  });
  peer.end();
  await rig.turns(20);
  assert.ok(isOver, 'it is stopped');
  assert.ok(asked > 0, 'what was there is taken');
  rig.loop.close();
});
