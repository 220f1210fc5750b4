import assert from 'node:assert/strict';
import { closeSync, readSync } from 'node:fs';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { eventDescriptor } from '../syscall/linux/eventfd.ts';
import { abandonLanesOf } from './abandoned-lanes.ts';
import { control, LoopMemory, lane, laneCount, ringBytes } from './loop-memory.ts';
import { MailboxReader, type MailboxTasks } from './reader.ts';
import { recordKind, recordStatus } from './record.ts';
import { SlowReaderWaits } from './slow-reader-waits.ts';
import { MailboxSender } from './sender.ts';

/** A loop that writes down what it is asked for. */
class Recorder implements MailboxTasks {
  readonly done: string[] = [];
  readonly bytes: Buffer[] = [];
  stale = (_slot: number): boolean => false;
  full = (_slot: number): boolean => false;

  write(slot: number, generation: number, bytes: Uint8Array): number {
    if (this.stale(slot)) return recordStatus.stale;
    this.bytes.push(Buffer.from(bytes));
    this.done.push(`write ${slot}.${generation}`);
    return this.full(slot) ? recordStatus.full : recordStatus.taken;
  }
  room(slot: number, generation: number): number {
    this.done.push(`room ${slot}.${generation}`);
    return this.full(slot) ? recordStatus.full : recordStatus.taken;
  }
  lanesExhausted(): void {
    this.done.push('lanes exhausted');
  }
  setContext(): number {
    return recordStatus.taken;
  }
  tellContext(): number {
    return recordStatus.taken;
  }
  wake(slot: number, generation: number): void {
    this.done.push(`wake ${slot}.${generation}`);
  }
  close(slot: number, generation: number): void {
    this.done.push(`close ${slot}.${generation}`);
  }
  accept(descriptor: number, peer: Int32Array | string): void {
    this.done.push(`accept ${descriptor} ${typeof peer === 'string' ? peer : peer.join(' ')}`);
  }
}

function mailbox() {
  const memory = LoopMemory.create();
  const recorder = new Recorder();
  return { memory, recorder, reader: new MailboxReader(memory, recorder) };
}

/** Posts a write and remembers how it settled. */
function write(sender: MailboxSender, slot: number, bytes: Uint8Array): { outcome: string[] } {
  const outcome: string[] = [];
  sender.post(recordKind.write, slot, 1, bytes, {
    resolve: () => outcome.push('taken'),
    reject: (error) => outcome.push(error.code),
  });
  return { outcome };
}

async function drainAll(reader: MailboxReader, over: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000 && !over(); turn++) {
    reader.drain();
    await nextTurn();
  }
  assert.ok(over(), 'it ends');
}

describe('the mailbox of a loop', () => {
  test('records of every kind arrive in order and are answered', async () => {
    const { memory, recorder, reader } = mailbox();
    const sender = new MailboxSender(memory);
    const { outcome } = write(sender, 7, Buffer.from('bytes'));
    sender.post(recordKind.wake, 8, 2, null, null);
    sender.post(recordKind.close, 9, 3, null, null);
    const peer = new Uint8Array(Int32Array.of(4, 80, 1, 0, 0, 0, 0).buffer);
    sender.post(recordKind.accept, 10, 0, peer, null);
    sender.post(recordKind.acceptNamed, 11, 0, Buffer.from('@name'), null);
    assert.equal(reader.drain(), true);
    assert.deepEqual(recorder.done, [
      'write 7.1',
      'wake 8.2',
      'close 9.3',
      'accept 10 4 80 1 0 0 0 0',
      'accept 11 @name',
    ]);
    assert.equal(recorder.bytes.toString(), 'bytes');
    assert.deepEqual(outcome, []);
    await sender.whenIdle();
    assert.deepEqual(outcome, ['taken']);
    assert.equal(reader.drain(), false);
  });

  test('a stale connection rejects its own write and no other', async () => {
    const { memory, recorder, reader } = mailbox();
    recorder.stale = (slot) => slot === 2;
    const sender = new MailboxSender(memory);
    const outcomes = [1, 2, 3].map((slot) => write(sender, slot, Buffer.from('x')).outcome);
    reader.drain();
    await sender.whenIdle();
    assert.deepEqual(outcomes, [['taken'], ['ErrConnClosed'], ['taken']]);
  });

  test('a full connection is asked after until it has room', async () => {
    const { memory, recorder, reader } = mailbox();
    let isFull = true;
    recorder.full = () => isFull;
    const sender = new MailboxSender(memory);
    const rooms = new SlowReaderWaits(sender);
    let settled = 0;
    const post = (): void =>
      sender.post(recordKind.write, 300, 1, Buffer.from('x'), {
        resolve: () => settled++,
        reject: () => assert.fail('it was taken'),
        full: () => rooms.wait(300, 1, () => settled++),
      });
    const asked = (): number => recorder.done.filter((line) => line === 'room 300.1').length;
    post();
    post();
    await drainAll(reader, () => asked() === 1);
    await sender.whenIdle();
    memory.madeRoom(300); // but somebody else wrote meanwhile
    await drainAll(reader, () => asked() === 2);
    await sender.whenIdle();
    memory.madeRoom(44); // another one with the same word
    await drainAll(reader, () => asked() === 3);
    assert.equal(settled, 0);
    isFull = false;
    memory.madeRoom(300);
    await drainAll(reader, () => settled === 2);
    assert.equal(asked(), 4, 'once for both');
    assert.equal(rooms.isEmpty, true);
  });

  for (const how of ['closes', 'dies'] as const) {
    test(`a loop that ${how} ends the wait for room`, async () => {
      const { memory, recorder, reader } = mailbox();
      recorder.full = () => true;
      const sender = new MailboxSender(memory);
      const rooms = new SlowReaderWaits(sender);
      const room = new Promise<void>((resolve) => rooms.wait(1, 1, resolve));
      await drainAll(reader, () => recorder.done.length === 1);
      await sender.whenIdle();
      if (how === 'closes') reader.close();
      else memory.markDead();
      await room;
      assert.equal(rooms.isEmpty, true);
    });
  }

  test('property: any sizes, any number of senders, any pauses of the loop', async () => {
    const writes = fc.array(fc.integer({ min: 0, max: 3 * ringBytes }), { maxLength: 12 });
    const senders = fc.array(writes, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(senders, async (plan) => {
        const { memory, recorder, reader } = mailbox();
        const outcomes: string[][] = [];
        plan.forEach((sizes, slot) => {
          const sender = new MailboxSender(memory);
          for (const [index, size] of sizes.entries()) {
            const bytes = Buffer.alloc(size, index + 1);
            outcomes.push(write(sender, slot, bytes).outcome);
            bytes.fill(0); // taken at the call
          }
        });
        await drainAll(reader, () => outcomes.every((outcome) => outcome.length > 0));
        assert.ok(outcomes.every((outcome) => outcome.join() === 'taken'));
        plan.forEach((sizes, slot) => {
          const got = recorder.bytes.filter((_, at) => recorder.done[at] === `write ${slot}.1`);
          assert.deepEqual(
            got.map((bytes) => bytes.length),
            sizes,
          );
          got.forEach((bytes, index) => {
            assert.ok(bytes.every((byte) => byte === index + 1));
          });
        });
      }),
      { numRuns: 40 },
    );
  });

  test('more senders than lanes: those without one wait for one', async () => {
    const { memory, recorder, reader } = mailbox();
    const count = laneCount * 3;
    const outcomes = Array.from({ length: count }, (_, slot) =>
      write(new MailboxSender(memory), slot, Buffer.from([slot & 255])),
    );
    await drainAll(reader, () => outcomes.every(({ outcome }) => outcome.length === 1));
    assert.equal(recorder.done.length, count);
    assert.equal(new Set(recorder.done).size, count);
  });

  test('writers without a pause, more than lanes: every one of them gets on', async () => {
    const { memory, reader } = mailbox();
    const count = laneCount * 2;
    const taken = new Array<number>(count).fill(0);
    let over = false;
    const data = Buffer.alloc(100_000);
    const senders = Array.from({ length: count }, () => new MailboxSender(memory));
    const stream = (index: number): void => {
      if (over) return;
      senders[index]?.post(recordKind.write, index, 1, data, {
        resolve() {
          taken[index] = (taken[index] as number) + 1;
          queueMicrotask(() => stream(index));
        },
        reject: () => {},
      });
    };
    // Three under way at each, so that none ever has nothing to write.
    for (let index = 0; index < count; index++) for (let one = 0; one < 3; one++) stream(index);
    await drainAll(reader, () => taken.every((times) => times > 0));
    assert.ok(Math.max(...taken) < 100, `they take turns: ${taken.join(' ')}`);
    over = true;
    memory.markDead();
    await Promise.all(senders.map((sender) => sender.whenIdle()));
  });

  test('a closed loop refuses what is there and what comes, once each', async () => {
    const { memory, recorder, reader } = mailbox();
    const sender = new MailboxSender(memory);
    const early = write(sender, 1, Buffer.alloc(ringBytes * 2)).outcome;
    reader.close();
    const late = write(sender, 1, Buffer.from('late')).outcome;
    await sender.whenIdle();
    assert.deepEqual([early, late], [['ErrConnClosed'], ['ErrConnClosed']]);
    assert.deepEqual(recorder.done, []);
    assert.equal(sender.isOver, true);
  });

  test('a dead loop: what it answered before counts, the rest is refused', async () => {
    const { memory, reader } = mailbox();
    const sender = new MailboxSender(memory);
    const first = write(sender, 1, Buffer.from('done')).outcome;
    reader.drain();
    const second = write(sender, 1, Buffer.from('never')).outcome;
    memory.markDead();
    await sender.whenIdle();
    assert.deepEqual([first, second], [['taken'], ['ErrConnClosed']]);
  });

  test('a sender that dies in the middle of a write blocks nobody and gives its lane back', async () => {
    const { memory, recorder, reader } = mailbox();
    const dying = new MailboxSender(memory);
    // The first pieces of a write whose rest never comes.
    void write(dying, 1, Buffer.alloc(ringBytes * 3));
    const other = write(new MailboxSender(memory), 2, Buffer.from('other'));
    reader.drain();
    assert.deepEqual(recorder.done, ['write 2.1']);
    const owned = (): number => {
      const words = Array.from({ length: laneCount }, (_, at) => memory.laneWord(at, lane.owner));
      return words.filter((word) => memory.words[word] !== 0).length;
    };
    assert.equal(owned(), 2);
    // In this test every sender is of this thread: what the main thread does when one has died.
    const { threadId } = await import('node:worker_threads');
    abandonLanesOf(memory, threadId);
    reader.drain();
    assert.equal(owned(), 0);
    assert.deepEqual(recorder.done, ['write 2.1']);
    assert.deepEqual(other.outcome, []);
    memory.markDead(); // ends the timers of the dying one
    await dying.whenIdle();
  });

  test('a loop is woken once per sleep, and not at all while it is awake', () => {
    const { memory, reader } = mailbox();
    const descriptor = eventDescriptor();
    try {
      Atomics.store(memory.words, control.wakeDescriptor, descriptor + 1);
      const ticket = (): number => Atomics.load(memory.words, control.sleepTicket);
      const sender = new MailboxSender(memory, true);
      sender.post(recordKind.wake, 1, 1, null, null);
      assert.equal(ticket(), 0, 'awake: nobody touches the ticket');
      assert.equal(reader.aboutToSleep(), true, 'something is there: no sleep');
      reader.drain();
      assert.equal(reader.aboutToSleep(), false);
      const asleep = ticket();
      assert.equal(asleep & 1, 1);
      sender.post(recordKind.wake, 1, 1, null, null);
      assert.equal(ticket(), asleep + 1, 'woken');
      sender.post(recordKind.wake, 1, 1, null, null);
      assert.equal(ticket(), asleep + 1, 'once');
      reader.drain();
      assert.equal(ticket() & 1, 0);
    } finally {
      closeSync(descriptor);
    }
  });

  for (const keepLane of [true, false]) {
    test(`who finds its bit set already wakes a loop that sleeps (a lane for ${keepLane ? 'ever' : 'a while'})`, async () => {
      const { memory, recorder, reader } = mailbox();
      const sender = new MailboxSender(memory, keepLane);
      const first = write(sender, 1, Buffer.from('first'));
      reader.drain();
      assert.equal(reader.aboutToSleep(), false);
      const asleep = Atomics.load(memory.words, control.sleepTicket);
      // As those do that have found no lane: they wake nobody.
      for (let index = 0; index < laneCount; index++) memory.markPending(index);
      const second = write(sender, 1, Buffer.from('second'));
      assert.equal(Atomics.load(memory.words, control.sleepTicket), asleep + 1, 'woken');
      const third = write(sender, 1, Buffer.from('third'));
      reader.drain();
      assert.deepEqual(recorder.bytes.map(String), ['first', 'second', 'third']);
      await sender.whenIdle();
      for (const { outcome } of [first, second, third]) assert.deepEqual(outcome, ['taken']);
    });
  }

  test('a write that goes round the end of the ring is whole, posted at once', async () => {
    const { memory, recorder, reader } = mailbox();
    const sender = new MailboxSender(memory);
    const sent: Buffer[] = [];
    const outcomes: string[][] = [];
    for (let at = 0; at < 3 * ringBytes; at += 1_021) {
      const bytes = Buffer.alloc(997, sent.length);
      sent.push(bytes);
      outcomes.push(write(sender, 1, bytes).outcome);
      if (sent.length % 8 === 0) {
        reader.drain();
        await nextTurn();
      }
    }
    await drainAll(reader, () => outcomes.every((outcome) => outcome.length > 0));
    assert.deepEqual(recorder.bytes, sent);
    assert.deepEqual(new Set(outcomes.flat()), new Set(['taken']));
  });

  test('a loop that sleeps is woken to give back the lanes of a dead thread', async () => {
    const { memory, reader } = mailbox();
    const descriptor = eventDescriptor();
    try {
      Atomics.store(memory.words, control.wakeDescriptor, descriptor + 1);
      const sender = new MailboxSender(memory, true);
      sender.post(recordKind.wake, 1, 1, null, null);
      reader.drain();
      assert.equal(reader.aboutToSleep(), false);
      const asleep = Atomics.load(memory.words, control.sleepTicket);
      const { threadId } = await import('node:worker_threads');
      abandonLanesOf(memory, threadId);
      assert.equal(Atomics.load(memory.words, control.sleepTicket), asleep + 1, 'woken');
      assert.equal(readSync(descriptor, Buffer.alloc(8)), 8, 'by its descriptor');
      reader.drain();
      for (let index = 0; index < laneCount; index++) {
        for (const word of [lane.owner, lane.abandoned, lane.signalling]) {
          assert.equal(Atomics.load(memory.words, memory.laneWord(index, word)), 0);
        }
      }
    } finally {
      closeSync(descriptor);
    }
  });

  test('a lane is not given back while somebody signals in the name of its dead owner', async () => {
    const { memory, reader } = mailbox();
    const sender = new MailboxSender(memory, true);
    sender.post(recordKind.wake, 1, 1, null, null);
    const { threadId } = await import('node:worker_threads');
    abandonLanesOf(memory, threadId);
    const all = Array.from({ length: laneCount }, (_, at) => at);
    const owned = all.find((at) => memory.words[memory.laneWord(at, lane.owner)] !== 0) ?? -1;
    const signalling = memory.laneWord(owned, lane.signalling);
    Atomics.store(memory.words, signalling, 1);
    reader.drain();
    assert.notEqual(memory.words[memory.laneWord(owned, lane.owner)], 0);
    assert.equal(reader.aboutToSleep(), true, 'it is looked at again');
    Atomics.store(memory.words, signalling, 0);
    reader.drain();
    assert.equal(memory.words[memory.laneWord(owned, lane.owner)], 0);
  });

  test('the ledger knows which descriptors are open', () => {
    const { memory } = mailbox();
    for (const descriptor of [0, 31, 32, 1_000, 99_999]) memory.opened(descriptor);
    memory.released(31);
    memory.released(7);
    assert.deepEqual(memory.descriptors(), [0, 32, 1_000, 99_999]);
  });

  test('and which memory of theirs is mapped', () => {
    const { memory } = mailbox();
    for (const address of [4_096, 8_192, 2 ** 47]) {
      memory.mapped({ address, byteLength: address / 2, completions: null });
    }
    memory.unmapping(8_192);
    const completions = { head: 2, tail: 3, first: 16, entries: 8 };
    memory.mapped({ address: 12_288, byteLength: 1, completions });
    assert.deepEqual(memory.mappings(), [
      { address: 4_096, byteLength: 2_048, completions: null },
      { address: 12_288, byteLength: 1, completions },
      { address: 2 ** 47, byteLength: 2 ** 46, completions: null },
    ]);
  });
});
