/** Answers, writes, pauses, wakes, promises, ends and closes in every order, over a rough line. */
import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LengthFieldBasedFrameCodec } from '../../src/codec/length-field-based-frame-codec.ts';
import type { Reply } from '../../src/connection/conn.ts';
import type { StreamConnection } from '../../src/connection/stream-connection.ts';
import { mark, State } from '../../src/connection/states.ts';
import { Random, roughFaults } from 'gnet/testing';
import { type SimulatedLoop, simulatedLoop } from '../loop/simulated-loop.ts';

const lengthField = new LengthFieldBasedFrameCodec(
  { lengthFieldLength: 4 },
  { lengthFieldLength: 4, initialBytesToStrip: 4 },
);

function framed(payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(4 + payload.length);
  bytes.writeUInt32BE(payload.length);
  bytes.set(payload, 4);
  return bytes;
}

/** What a connection still takes: the same question that it asks itself. */
interface Inside {
  readonly state: number;
  readonly marks: number;
}

interface Settings {
  readonly seed: number;
  readonly withCodec: boolean;
  readonly closeOnOverflow: boolean;
  readonly allowHalfOpen: boolean;
  readonly cap: number;
  readonly reset: number;
}

/** One connection that does everything at random, and what must have come out of it. */
class Scene {
  readonly random: Random;
  readonly rig: SimulatedLoop;
  readonly withCodec: boolean;
  /** What the peer asked, and what it must be sent. */
  readonly asked: Buffer[] = [];
  readonly sent: Buffer[] = [];
  readonly open: (() => void)[] = [];
  connection: StreamConnection | null = null;
  inside = 0;
  readonly failures: string[] = [];
  closes = 0;
  error: Error | undefined;
  drains = 0;
  flushes = 0;
  settled = 0;
  received = 0;

  constructor(settings: Settings) {
    this.random = new Random(settings.seed);
    this.withCodec = settings.withCodec;
    const { closeOnOverflow, allowHalfOpen, cap } = settings;
    this.rig = simulatedLoop(
      {
        onOpened: (c) => {
          this.connection = c as StreamConnection;
          return this.event(() => {
            if (this.random.chance(0.5)) return undefined;
            const reply = this.bytes();
            this.note(reply, true);
            return reply;
          });
        },
        react: (frame) => this.event(() => this.react(frame)),
        onDrain: () => void this.event(() => this.drains++),
        onEnd: () => void this.event(() => this.act()),
        preWrite: () => {},
        onClosed: (_c, error) => {
          this.event(() => {
            this.closes++;
            this.error = error;
            this.act();
          });
        },
      },
      {
        seed: settings.seed,
        faults: { ...roughFaults, reset: settings.reset },
        connection: {
          codec: settings.withCodec ? lengthField : undefined,
          highWaterMark: 20_000,
          lowWaterMark: 5_000,
          maxOutboundBytes: cap,
          closeOnOverflow,
          pauseOnOverflow: !closeOnOverflow,
          allowHalfOpen,
        },
      },
    );
  }

  /** Events of one connection never come inside one another. */
  event<T>(body: () => T): T {
    this.expect(this.inside === 0, 'one event at a time');
    this.inside++;
    try {
      return body();
    } finally {
      this.inside--;
    }
  }

  /** Notes what is wrong: what an event throws is the connection's end, not the test's. */
  expect(condition: boolean | undefined, what: string): void {
    if (condition !== true) this.failures.push(what);
  }

  bytes(): Buffer {
    const length = this.random.chance(0.1)
      ? 16_000 + this.random.below(60_000)
      : this.random.below(2_000);
    return Buffer.alloc(length, this.random.below(256));
  }

  note(bytes: Uint8Array, raw: boolean): void {
    this.sent.push(raw || !this.withCodec ? Buffer.from(bytes) : framed(bytes));
  }

  answers(): boolean {
    const { state, marks } = this.connection as unknown as Inside;
    const ended = marks & (mark.endRequested | mark.answerDue);
    return state === State.Open && ended !== mark.endRequested;
  }

  react(frame: Buffer | null): Reply | Promise<Reply> {
    if (frame !== null && this.withCodec) {
      const expected = this.asked[this.received++];
      this.expect(expected?.equals(frame), 'frames arrive whole and in order');
    }
    for (let count = this.random.below(4); count > 0; count--) this.act(frame);
    const kind = this.random.below(5);
    const bytes = frame !== null && this.random.chance(0.6) ? frame : this.bytes();
    if (kind === 0) return undefined;
    if (kind === 1) {
      const original = Buffer.from(bytes);
      // Looked at right before the connection takes it: other calls may come before that.
      return new Promise<void>((resolve) => this.open.push(resolve)).then(() => {
        this.expect(original.equals(bytes), 'a lent frame stays as it is');
        if (this.answers()) this.note(original, false);
        return bytes;
      });
    }
    if (this.answers()) this.note(bytes, false);
    if (kind === 2) return [bytes, 0];
    return bytes;
  }

  /** One call of the program. */
  act(frame: Buffer | null = null): void {
    const c = this.connection;
    if (c === null) return;
    switch (this.random.below(40)) {
      case 0:
        return c.end();
      case 1:
        return c.close();
      case 2:
      case 3:
        return c.wake();
      case 4:
      case 5:
        return c.pauseRead();
      case 6:
      case 7:
      case 8:
        return c.resumeRead();
      case 9:
      case 10:
      case 11:
        return this.flush(this.bytes());
      case 12:
        return this.open.splice(this.random.below(this.open.length + 1), 1)[0]?.();
      default:
        return this.write(frame !== null && this.random.chance(0.4) ? frame : this.bytes());
    }
  }

  write(bytes: Buffer): void {
    const c = this.connection as StreamConnection;
    const taken = !c.isClosing;
    const raw = this.random.chance(0.3);
    const copy = Buffer.from(bytes);
    const below = raw ? c.writeNoCodec(bytes) : c.asyncWrite(bytes);
    if (taken && !c.isClosed) this.note(copy, raw);
    this.expect(taken || !below, 'what is not taken is no success');
  }

  flush(bytes: Buffer): void {
    const c = this.connection as StreamConnection;
    const taken = !c.isClosing;
    const promise = c.flushWrite(bytes);
    if (taken && !c.isClosed) this.note(bytes, false);
    this.flushes++;
    const settle = (): number => this.settled++;
    promise.then(settle, settle);
  }

  async run(): Promise<void> {
    const { rig, random } = this;
    const peer = rig.connect();
    const received: Buffer[] = [];
    for (let round = 0; round < 60; round++) {
      if (random.chance(0.5)) {
        const bytes = this.bytes();
        this.asked.push(bytes);
        peer.write(this.withCodec ? framed(bytes) : bytes);
      }
      if (random.chance(0.3)) this.event(() => this.act());
      if (random.chance(0.4)) this.open.shift()?.();
      if (random.chance(0.7)) received.push(peer.take());
      await rig.turns(1 + random.below(3));
    }
    peer.end();
    for (let round = 0; round < 600 && this.closes === 0; round++) {
      this.open.shift()?.();
      this.connection?.resumeRead();
      if (round === 100) this.connection?.close();
      received.push(peer.take());
      await rig.turns(2);
    }
    while (this.open.length > 0) this.open.shift()?.();
    await rig.turns(5);
    received.push(peer.take());
    this.check(Buffer.concat(received), peer.ended);
  }

  check(received: Buffer, ended: boolean): void {
    assert.deepEqual(this.rig.deaths, []);
    assert.deepEqual(this.failures, []);
    assert.equal(this.closes, 1, 'closed once');
    const expected = Buffer.concat(this.sent);
    assert.ok(received.length <= expected.length, 'not more than was sent');
    assert.ok(expected.subarray(0, received.length).equals(received), 'in order');
    if (this.error === undefined && ended) assert.equal(received.length, expected.length);
    assert.equal(this.settled, this.flushes, 'every flushWrite settles');
    assert.equal(this.rig.loop.connectionCount, 0);
    this.connection?.checkInvariants();
    for (const bytes of [65_536, 65_536 + 16_384]) {
      const pool = this.rig.driver.slabPool(bytes);
      assert.equal(pool.free, pool.made, `slabs of ${bytes} bytes are all back`);
    }
    this.rig.loop.close();
  }
}

describe('one connection that does everything at once', () => {
  test('loses, repeats and reorders nothing, and gives everything back', async () => {
    const settings = fc.record({
      seed: fc.integer(),
      withCodec: fc.boolean(),
      closeOnOverflow: fc.boolean(),
      allowHalfOpen: fc.boolean(),
      cap: fc.constantFrom(30_000, 200_000, 10_000_000),
      reset: fc.constantFrom(0, 0, 0.005),
    });
    await fc.assert(
      fc.asyncProperty(settings, (one) => new Scene(one).run()),
      { numRuns: 300 },
    );
  });
});
