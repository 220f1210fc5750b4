/** Lanes are few: who gets one, what stays whole, and what is told when nobody gives one back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, mock, type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { control, LoopMemory, lane, laneCount, loopState } from './loop-memory.ts';
import { MailboxReader, type MailboxTasks } from './reader.ts';
import { recordKind, recordStatus } from './record.ts';
import { MailboxSender } from './sender.ts';

const nothing: MailboxTasks = {
  write: () => recordStatus.taken,
  room: () => recordStatus.taken,
  setContext: () => recordStatus.taken,
  tellContext: () => recordStatus.taken,
  lanesExhausted: () => {},
  wake: () => {},
  close: () => {},
  accept: () => {},
};

function mailbox(tasks: Partial<MailboxTasks> = {}) {
  const memory = LoopMemory.create();
  return { memory, reader: new MailboxReader(memory, { ...nothing, ...tasks }) };
}

async function drainUntil(reader: MailboxReader, over: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !over(); turn++) {
    reader.drain();
    await nextTurn();
  }
  assert.ok(over(), 'it ends');
}

test('a long write stays whole, however many writers wait for a lane', async () => {
  const size = 300_000;
  const wrong: string[] = [];
  const { memory, reader } = mailbox({
    write(slot, _generation, bytes) {
      const foreign = bytes.findIndex((byte) => byte !== slot);
      if (bytes.length !== size || foreign !== -1) {
        wrong.push(`${bytes.length} bytes for ${slot}, from ${foreign} on of another`);
      }
      return recordStatus.taken;
    },
  });
  let answered = 0;
  const count = laneCount + 8;
  for (let slot = 0; slot < count; slot++) {
    const settle = { resolve: () => void answered++, reject: () => void answered++ };
    const sender = new MailboxSender(memory);
    sender.post(recordKind.write, slot, 1, Buffer.alloc(size, slot), settle);
  }
  await drainUntil(reader, () => answered === count);
  assert.deepEqual(wrong, []);
});

test('who is answered may post at once: everybody gets the answer to his own', async () => {
  const { memory, reader } = mailbox({
    write: (slot) => (slot % 2 === 0 ? recordStatus.taken : recordStatus.stale),
  });
  const sender = new MailboxSender(memory);
  const answers: string[] = [];
  let posted = 0;
  const post = (slot: number): void => {
    posted++;
    sender.post(recordKind.write, slot, 1, Buffer.from('x'), {
      resolve() {
        answers.push(`${slot} taken`);
        if (posted >= 40) return;
        // The loop has come further while the answers are read.
        post(slot + 2);
        reader.drain();
        post(slot + 2);
      },
      reject: ({ code }) => answers.push(`${slot} ${code}`),
    });
  };
  post(0);
  await drainUntil(reader, () => answers.length === posted);
  assert.deepEqual(
    answers.filter((answer) => !/^\d*[02468] taken$/.test(answer)),
    [],
  );
});

describe('lanes that nobody gives back', () => {
  test('what waits for one is given up, and the loop is told once', async () => {
    let told = 0;
    const { memory, reader } = mailbox({ lanesExhausted: () => void told++ });
    // Threads that will do nothing any more.
    for (let index = 0; index < laneCount; index++) {
      memory.words[memory.laneWord(index, lane.owner)] = 1_000 + index;
    }
    const refused: string[] = [];
    for (let writer = 0; writer < 2; writer++) {
      const sender = new MailboxSender(memory, false, 1);
      for (let post = 0; post < 2; post++) {
        sender.post(recordKind.write, 1, 1, Buffer.from('x'), {
          resolve: () => refused.push('taken'),
          reject: ({ code, message }) => refused.push(`${code} ${message.slice(0, 12)}`),
        });
      }
    }
    while (refused.length < 4) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(refused, new Array(4).fill('ErrTooManyWriters cannot write'));
    assert.equal(reader.drain(), true);
    reader.drain();
    assert.equal(told, 1);
    // Lanes come back: nothing of it is left.
    memory.releaseLane(7);
    const late: string[] = [];
    new MailboxSender(memory).post(recordKind.write, 1, 1, Buffer.from('x'), {
      resolve: () => late.push('taken'),
      reject: ({ code }) => late.push(code),
    });
    await drainUntil(reader, () => late.length === 1);
    assert.deepEqual([late, told], [['taken'], 1]);
  });

  test('a loop that ends waits for all of their signals together, not for each', () => {
    const { memory } = mailbox();
    for (let index = 0; index < laneCount; index++) {
      memory.words[memory.laneWord(index, lane.signalling)] = 1;
    }
    memory.words[control.state] = loopState.dead;
    let time = 0;
    // One look takes a tenth of what it waits.
    const clock = mock.method(performance, 'now', () => {
      time += 100;
      return time;
    });
    try {
      memory.awaitSignallers();
    } finally {
      clock.mock.restore();
    }
    assert.ok(time < 20_000, `it looked ${time / 100} times`);
  });
});

describe('a lane that is found without a notice', () => {
  /** All lanes but one belong to others; a sender finds that one only when it looks by itself. */
  function found(t: TestContext) {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const { memory, reader } = mailbox();
    for (let index = 0; index < laneCount; index++) {
      memory.words[memory.laneWord(index, lane.owner)] = 1_000 + index;
    }
    const answers: string[] = [];
    const post = (what: string): void =>
      new MailboxSender(memory).post(recordKind.write, 1, 1, Buffer.from('x'), {
        resolve: () => answers.push(what),
        reject: ({ code }) => answers.push(code),
      });
    post('first');
    memory.words[memory.laneWord(7, lane.owner)] = 0;
    t.mock.timers.tick(1_000);
    assert.equal(reader.drain(), true);
    return { reader, answers, post };
  }

  test('the answer is heard at once', async (t) => {
    const { reader, answers } = found(t);
    await drainUntil(reader, () => answers.length === 1);
    assert.deepEqual(answers, ['first']);
  });

  test('a notice that comes later is for the next one who waits', async (t) => {
    const { reader, answers, post } = found(t);
    post('second');
    await drainUntil(reader, () => answers.length === 2);
    assert.deepEqual(answers, ['first', 'second']);
  });
});

test('lanes of threads that have ended are given back where nobody did it', async (t) => {
  const gone = new Worker('', { eval: true });
  const { threadId } = gone;
  await once(gone, 'exit');
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { memory, reader } = mailbox();
  for (let index = 0; index < laneCount; index++) {
    memory.words[memory.laneWord(index, lane.owner)] = threadId + 1;
  }
  const answers: string[] = [];
  new MailboxSender(memory).post(recordKind.write, 1, 1, Buffer.from('x'), {
    resolve: () => answers.push('taken'),
    reject: ({ code }) => answers.push(code),
  });
  t.mock.timers.tick(1_000);
  await drainUntil(reader, () => answers.length === 1);
  assert.deepEqual(answers, ['taken']);
});

test('a descriptor is in the ledger of the loop before the answer says that it was taken', () => {
  let status = -1;
  const { memory, reader } = mailbox({
    accept(descriptor) {
      status = memory.hasOpen(descriptor) ? 1 : 0;
      throw new Error('the thread dies');
    },
  });
  new MailboxSender(memory, true).post(recordKind.accept, 77, 0, Buffer.alloc(28), null);
  assert.throws(() => reader.drain(), /the thread dies/);
  assert.equal(status, 1);
  assert.deepEqual(memory.descriptors(), [77]);
});

test('a context is not on its way from a thread that died before it told it', async () => {
  const { memory, reader } = mailbox({
    tellContext() {
      throw new Error('the thread dies');
    },
  });
  const told: string[] = [];
  const sender = new MailboxSender(memory);
  sender.post(recordKind.tellContext, 1, 1, Buffer.from('channel'), {
    resolve: () => told.push('taken'),
    reject: ({ code }) => told.push(code),
  });
  assert.throws(() => reader.drain(), /the thread dies/);
  memory.markDead();
  await sender.whenIdle();
  assert.deepEqual(told, ['ErrConnClosed']);
});
