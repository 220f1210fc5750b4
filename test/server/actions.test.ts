/** What each event may answer, and what follows from it (SPEC 1.3, 1.4, 2.3; DESIGN, Replies). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Action,
  ErrInvalidReply,
  type EventHandler,
  LineBasedFrameCodec,
  type Reply,
  type Server,
  serve,
} from 'gnet';
import { RawClient } from 'gnet/testing';
import { DatagramClient } from '../support/datagram-client.ts';
import { assertSameBytes, connect, pair, startRig, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

/** What becomes of the connection. */
type Outcome = 'stays' | 'closed' | 'shutdown';

interface ReplyCase {
  readonly name: string;
  readonly reply: () => Reply | Promise<Reply>;
  readonly bytes: string;
  readonly outcome: Outcome;
}

const none = undefined;
const plain: readonly ReplyCase[] = [
  { name: 'a string', reply: () => 'häh', bytes: 'h\xc3\xa4h', outcome: 'stays' },
  { name: 'a Buffer', reply: () => Buffer.from('abc'), bytes: 'abc', outcome: 'stays' },
  { name: 'a Uint8Array', reply: () => new Uint8Array([65, 66]), bytes: 'AB', outcome: 'stays' },
  { name: 'nothing', reply: () => none, bytes: '', outcome: 'stays' },
  { name: 'null', reply: () => null, bytes: '', outcome: 'stays' },
  { name: 'an empty string', reply: () => '', bytes: '', outcome: 'stays' },
  { name: 'an empty Buffer', reply: () => Buffer.alloc(0), bytes: '', outcome: 'stays' },
  { name: 'None', reply: () => Action.None, bytes: '', outcome: 'stays' },
  { name: 'Close', reply: () => Action.Close, bytes: '', outcome: 'closed' },
  { name: 'Shutdown', reply: () => Action.Shutdown, bytes: '', outcome: 'shutdown' },
  { name: 'an unknown action', reply: () => 7 as Action, bytes: '', outcome: 'stays' },
  { name: '-1', reply: () => -1 as Action, bytes: '', outcome: 'stays' },
  { name: 'NaN', reply: () => Number.NaN as Action, bytes: '', outcome: 'stays' },
  { name: 'bytes and None', reply: () => ['x', Action.None], bytes: 'x', outcome: 'stays' },
  { name: 'bytes and Close', reply: () => ['x', Action.Close], bytes: 'x', outcome: 'closed' },
  {
    name: 'bytes and Shutdown',
    reply: () => ['x', Action.Shutdown],
    bytes: 'x',
    outcome: 'shutdown',
  },
  { name: 'bytes and unknown', reply: () => ['x', 9 as Action], bytes: 'x', outcome: 'stays' },
  { name: 'null and Close', reply: () => [null, Action.Close], bytes: '', outcome: 'closed' },
  { name: 'nothing and Close', reply: () => [none, Action.Close], bytes: '', outcome: 'closed' },
  { name: 'empty and Close', reply: () => ['', Action.Close], bytes: '', outcome: 'closed' },
];

const promised: readonly ReplyCase[] = plain.map((one) => ({
  ...one,
  name: `a promise of ${one.name}`,
  reply: async () => {
    await settle(1);
    return one.reply();
  },
}));

const eventsAfter: Readonly<Record<Outcome, readonly string[]>> = {
  stays: [],
  closed: ['closed'],
  shutdown: ['closed', 'closed', 'shutdown'],
};

describe('what react answers', () => {
  for (const { name, reply, bytes, outcome } of [...plain, ...promised]) {
    test(`${name}: '${bytes}', ${outcome}`, async (t) => {
      let answers = 0;
      // The second frame shows whether the connection goes on; sent too early it would be part of the first.
      const handler: EventHandler = {
        react(frame) {
          answers++;
          return frame?.toString() === 'second' ? 'end' : reply();
        },
      };
      const rig = await startRig(t, handler);
      const [client, other] = [await connect(t, rig), await connect(t, rig)];
      await waitUntil(() => rig.events.length === 3, 'both are open');
      client.write('first');
      if (outcome === 'stays') {
        assert.equal(text(await client.readExactly(bytes.length)), bytes);
        await waitUntil(() => answers === 1, 'the first answer');
        client.write('second');
        assert.equal(text(await client.readExactly(3)), 'end');
      } else {
        assert.equal(text(await client.readUntilEnd()), bytes);
        client.end();
        if (outcome === 'shutdown') {
          await other.readUntilEnd();
          other.end();
          await rig.server.closed;
        }
        await client.untilClosed();
        await waitUntil(() => rig.events.length > 3, 'onClosed');
      }
      assert.deepEqual(rig.events, ['init', 'open', 'open', ...eventsAfter[outcome]]);
      assert.deepEqual(rig.reports, []);
    });
  }
});

describe('what onOpened answers is sent as it is', () => {
  for (const { name, reply, bytes, outcome } of plain) {
    test(`${name}: '${bytes}', ${outcome}`, async (t) => {
      const handler: EventHandler = { onOpened: () => reply() as Reply, react: () => 'end' };
      const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
      const client = await connect(t, rig);
      if (outcome === 'stays') {
        client.write('frame\n');
        assert.equal(text(await client.readExactly(bytes.length + 4)), `${bytes}end\n`);
      } else {
        assert.equal(text(await client.readUntilEnd()), bytes);
        client.end();
        if (outcome === 'shutdown') await rig.server.closed;
        await waitUntil(() => rig.events.length > 2, 'onClosed');
        const after = outcome === 'shutdown' ? ['closed', 'shutdown'] : ['closed'];
        assert.deepEqual(rig.events, ['init', 'open', ...after]);
      }
    });
  }

  test('16 MiB arrive whole, and what is answered afterwards comes behind them', async (t) => {
    const large = Buffer.alloc(16_777_216, 'sixteen mebibytes, and then some more\n');
    const rig = await startRig(t, { onOpened: () => large, react: (frame) => frame });
    const client = await connect(t, rig);
    client.write('echo');
    const bytes = await client.readExactly(large.length + 4);
    assertSameBytes(bytes.subarray(0, large.length), large);
    assert.equal(text(bytes.subarray(large.length)), 'echo');
  });
});

describe('a malformed answer closes only its own connection', () => {
  const malformed: readonly (readonly [string, unknown])[] = [
    ['an object', { bytes: 'x' }],
    ['true', true],
    ['a bigint', 1n],
    ['a function', () => 'x'],
    ['an array of one', ['x']],
    ['an array of three', ['x', 0, 0]],
    ['a pair the wrong way round', [Action.Close, 'x']],
    ['a pair of an object', [{}, Action.None]],
    ['a pair without an action', ['x', 'Close']],
    ['an ArrayBuffer', new ArrayBuffer(4)],
    ['a Uint16Array', new Uint16Array(4)],
  ];
  for (const [name, value] of malformed) {
    for (const later of [false, true]) {
      test(`${name}${later ? ', promised' : ''}`, async (t) => {
        const handler: EventHandler = {
          react(frame) {
            if (frame?.toString() === 'fine') return 'fine';
            const reply = value as Reply;
            return later ? settle(1).then(() => reply) : reply;
          },
        };
        const rig = await startRig(t, handler);
        const [client, other] = [await connect(t, rig), await connect(t, rig)];
        client.write('fine');
        assert.equal(text(await client.readExactly(4)), 'fine');
        client.write('malformed');
        assert.equal((await client.readUntilEnd()).length, 0);
        client.end();
        await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
        assert.ok(rig.closeErrors[0] instanceof ErrInvalidReply);
        assert.match(rig.closeErrors[0].message, /return bytes, an Action/);
        other.write('fine');
        assert.equal(text(await other.readExactly(4)), 'fine');
        assert.equal(rig.reports.length, 1);
      });
    }
  }
});

describe('the outcome table of actions', () => {
  test('onInitComplete, Shutdown: serve resolves closed, without onShutdown and tick', async () => {
    const events: string[] = [];
    const handler: EventHandler = {
      onInitComplete() {
        events.push('init');
        return Action.Shutdown;
      },
      tick() {
        events.push('tick');
      },
      onShutdown() {
        events.push('shutdown');
      },
    };
    const server = await serve(handler, 'tcp://127.0.0.1:0', { ticker: true });
    await server.closed;
    await assert.rejects(RawClient.connect(server.addr), { code: 'ECONNREFUSED' });
    assert.deepEqual(events, ['init']);
    assert.deepEqual(await server.stop(), { forced: 0 });
  });

  test('onInitComplete, Close: as None', async (t) => {
    const rig = await startRig(t, { onInitComplete: () => Action.Close, react: () => 'x' });
    const client = await connect(t, rig);
    client.write('frame');
    await client.readExactly(1);
  });

  test('onClosed, Close: as None; Shutdown: the server goes down', async (t) => {
    let answer: Action = Action.Close;
    const rig = await startRig(t, { onClosed: () => answer });
    const first = await connect(t, rig);
    first.end();
    await waitUntil(() => rig.events.includes('closed'), 'onClosed');
    const second = await connect(t, rig);
    answer = Action.Shutdown;
    second.end();
    await rig.server.closed;
    assert.deepEqual(rig.events, ['init', 'open', 'closed', 'open', 'closed', 'shutdown']);
  });

  test('tick, Close: as None; Shutdown: everything closes first', async (t) => {
    let ticks = 0;
    const handler: EventHandler = {
      tick: () => (++ticks < 10 ? [1, Action.Close] : [1, Action.Shutdown]),
    };
    const rig = await startRig(t, handler, { ticker: true });
    await rig.server.closed;
    assert.equal(ticks, 10);
    assert.deepEqual(rig.events, ['init', 'shutdown']);
  });

  for (const action of ['Close', 'Shutdown'] as const) {
    test(`react on wake, ${action}: as on a frame`, async (t) => {
      const handler: EventHandler = {
        react(frame, c) {
          if (frame === null) return ['bye', Action[action]];
          c.wake();
          return null;
        },
      };
      const rig = await startRig(t, handler);
      const client = await connect(t, rig);
      client.write('frame');
      assert.equal(text(await client.readUntilEnd()), 'bye');
      client.end();
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      if (action === 'Shutdown') await rig.server.closed;
      assert.deepEqual(
        rig.events.slice(2),
        action === 'Close' ? ['closed'] : ['closed', 'shutdown'],
      );
    });
  }

  test('react, Shutdown, among several connections: every onClosed, then onShutdown', async (t) => {
    const counts: number[] = [];
    let server: Server | null = null;
    const handler: EventHandler = {
      onInitComplete(started) {
        server = started;
      },
      onClosed() {
        counts.push(server?.countConnections() ?? -1);
      },
      onShutdown() {
        counts.push(server?.countConnections() ?? -1);
      },
      react: () => ['last', Action.Shutdown],
    };
    const rig = await startRig(t, handler);
    const clients = await Promise.all(Array.from({ length: 4 }, () => connect(t, rig)));
    await waitUntil(() => rig.server.countConnections() === 4, 'four connections');
    clients[2]?.write('frame');
    const answers = await Promise.all(
      clients.map(async (client) => {
        const bytes = await client.readUntilEnd();
        client.end();
        return text(bytes);
      }),
    );
    await rig.server.closed;
    assert.deepEqual(answers, ['', '', 'last', '']);
    assert.deepEqual(counts, [3, 2, 1, 0, 0]);
  });

  test('UDP react, Close: ignored, the answer is sent', async (t) => {
    const handler: EventHandler = { react: (frame) => [frame, Action.Close] };
    const rig = await startRig(t, handler, {}, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    for (const letter of ['a', 'b']) {
      await client.send(rig.server.addr, letter);
      assert.equal(text(await client.next()), letter);
    }
  });

  test('react, Close: the rest of the frames that came with it is dropped', async (t) => {
    const frames: string[] = [];
    const handler: EventHandler = {
      react(frame) {
        frames.push(String(frame));
        return frame?.toString() === 'two' ? [frame, Action.Close] : frame;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\nthree\nfour\n');
    assert.equal(text(await client.readUntilEnd()), 'one\ntwo\n');
    client.end();
    assert.deepEqual(frames, ['one', 'two']);
  });

  test('c.close() inside react: its answer goes out, and no frame that came with it is handled', async (t) => {
    const handler: EventHandler = {
      react(frame, c) {
        if (frame?.toString() === 'one') c.close();
        return frame;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\nthree\n');
    assert.equal(text(await client.readUntilEnd()), 'one\n');
    client.end();
  });
});

describe('empty and ordered answers', () => {
  test('an empty answer is encoded: a line codec sends its delimiter', async (t) => {
    const rig = await startRig(t, { react: () => '' }, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('x\n');
    assert.equal(text(await client.readExactly(1)), '\n');
  });

  test('an empty frame is a frame', async (t) => {
    const lengths: (number | undefined)[] = [];
    const handler: EventHandler = {
      react(frame) {
        lengths.push(frame?.length);
        return frame;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('\n\n\n');
    assert.equal(text(await client.readExactly(3)), '\n\n\n');
    assert.deepEqual(lengths, [0, 0, 0]);
  });

  test('asyncWrite inside react goes out before the answer of that call', async (t) => {
    const handler: EventHandler = {
      react(frame, c) {
        assert.equal(c.asyncWrite('1'), true);
        assert.equal(c.writeNoCodec('2'), true);
        void c.flushWrite('3');
        return frame;
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('a');
    assert.equal(text(await client.readExactly(4)), '123a');
  });

  test('five wakes are five calls', async (t) => {
    let woken = 0;
    const handler: EventHandler = {
      onOpened(c) {
        for (let count = 0; count < 5; count++) c.wake();
      },
      react(frame) {
        assert.equal(frame, null);
        return String(++woken);
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    assert.equal(text(await client.readExactly(5)), '12345');
  });

  test('wake sees the bytes of an unfinished frame once', async (t) => {
    const seen: (number | string)[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        if (frame === null) seen.push(c.bufferLength(), text(c.read()));
        return 'ok';
      },
    };
    const { c, client } = await pair(t, handler, { codec: new LineBasedFrameCodec() });
    client.write('part');
    await waitUntil(() => c.bufferLength() === 4, 'the part');
    c.wake();
    await client.readExactly(3);
    assert.deepEqual(seen, [4, 'part']);
  });

  test('bufferLength, readN and shiftN see what comes behind the frame', async (t) => {
    const lengths: number[] = [];
    const handler: EventHandler = {
      react(frame, c) {
        lengths.push(c.bufferLength());
        if (frame?.toString() !== 'one') return frame;
        assert.equal(text(c.readN(3)), 'two');
        assert.equal(text(c.readN(100)), 'two\nthr');
        assert.equal(text(c.readN(0)), 'two\nthr');
        assert.equal(text(c.read()), 'two\nthr');
        assert.equal(c.shiftN(0), 0);
        assert.equal(c.bufferLength(), 7);
        return frame;
      },
    };
    const rig = await startRig(t, handler, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('one\ntwo\nthr');
    assert.equal(text(await client.readExactly(8)), 'one\ntwo\n');
    client.write('ee\n');
    assert.equal(text(await client.readExactly(6)), 'three\n');
    assert.deepEqual(lengths, [7, 3, 0]);
  });
});

describe('preWrite', () => {
  /** Counts the calls that one exchange makes. */
  async function count(t: { after(f: () => unknown): void }, handler: EventHandler, bytes: number) {
    let calls = 0;
    const counting: EventHandler = {
      ...handler,
      preWrite() {
        calls++;
      },
    };
    const rig = await startRig(t, counting, { codec: new LineBasedFrameCodec() });
    const client = await connect(t, rig);
    client.write('x\n');
    await client.readExactly(bytes);
    return calls;
  }

  test('is not called for what onOpened answers', async (t) => {
    assert.equal(await count(t, { onOpened: () => 'hello' }, 5), 0);
  });
  test('is called once for an answer', async (t) => {
    assert.equal(await count(t, { react: () => 'y' }, 2), 1);
  });
  test('is called once for an asyncWrite', async (t) => {
    const react: NonNullable<EventHandler['react']> = (_frame, c) => void c.asyncWrite('y');
    assert.equal(await count(t, { react }, 2), 1);
  });
  test('is called once for a wake that answers', async (t) => {
    const handler: EventHandler = {
      react: (frame, c) => (frame === null ? 'y' : c.wake()),
    };
    assert.equal(await count(t, handler, 2), 1);
  });

  test('is not called for what is appended to pending bytes, and once per flush of them', async (t) => {
    const calls: number[] = [];
    let writes = 0;
    const handler: EventHandler = {
      preWrite(c) {
        calls.push(c.outboundBuffered());
      },
      async react(_frame, c) {
        for (; writes < 8; writes++) {
          c.asyncWrite(Buffer.alloc(4_194_304));
          await settle(20); // the kernel has what it takes by then
        }
        return undefined;
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    client.pauseReading();
    await waitUntil(() => writes === 8, 'the writes');
    const whileStalled = calls.length;
    assert.ok(whileStalled < 8, `${whileStalled} calls`);
    client.resumeReading();
    await client.readExactly(8 * 4_194_304);
    assert.ok(calls.length > whileStalled);
    assert.ok(calls.slice(whileStalled).every((pending) => pending > 0));
  });

  test('one that throws is reported and the bytes go out', async (t) => {
    const preWrite = (): never => {
      throw new Error('no');
    };
    const rig = await startRig(t, { preWrite, react: (frame) => frame });
    const client = await connect(t, rig);
    client.write('x');
    await client.readExactly(1);
    assert.equal(rig.reports[0]?.message, 'preWrite threw');
  });
});
