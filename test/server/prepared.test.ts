/** `prepare`: one payload for many connections, encoded once where the codec allows it. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  Action,
  type Conn,
  type EventHandler,
  FixedLengthFrameCodec,
  type ICodec,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
  type Options,
  prepare,
} from 'gnet';
import { startClient } from '../support/client-rig.ts';
import type { RawClient } from 'gnet/testing';
import {
  assertSameBytes,
  connect,
  everyTransport,
  freeAddress,
  type Rig,
  type StreamTransport,
  startRig,
  type TestScope,
  text,
} from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

/** Lines, and how often a payload was encoded. */
class CountingCodec implements ICodec {
  encoded = 0;
  readonly sharesEncoding: boolean;
  readonly #lines = new LineBasedFrameCodec();

  constructor(sharesEncoding: boolean) {
    this.sharesEncoding = sharesEncoding;
  }

  encode(...[c, bytes]: Parameters<ICodec['encode']>): Uint8Array {
    this.encoded++;
    return this.#lines.encode(c, bytes);
  }

  decode(c: Parameters<ICodec['decode']>[0]): Buffer | null {
    return this.#lines.decode(c);
  }
}

interface Many {
  readonly rig: Rig;
  readonly clients: readonly RawClient[];
  readonly connections: readonly Conn[];
}

async function startMany(
  t: TestScope,
  count: number,
  options: Options,
  transport: StreamTransport = 'tcp',
  handler: EventHandler = {},
): Promise<Many> {
  const connections: Conn[] = [];
  const onOpened = (c: Conn): void => void connections.push(c);
  const rig = await startRig(t, { onOpened, ...handler }, options, freeAddress(t, transport));
  const clients: RawClient[] = [];
  for (let one = 0; one < count; one++) clients.push(await connect(t, rig));
  await waitUntil(() => connections.length === count, 'opened');
  return { rig, clients, connections };
}

for (const transport of everyTransport) {
  describe(`${transport}: prepared`, () => {
    test('a codec that shares its encoding encodes once for all, any other for each', async (t) => {
      for (const shares of [true, false]) {
        const codec = new CountingCodec(shares);
        const { clients, connections } = await startMany(t, 3, { codec }, transport);
        const prepared = prepare('hello');
        for (const c of connections) assert.equal(c.asyncWrite(prepared), true);
        for (const client of clients) assert.equal(text(await client.readExactly(6)), 'hello\n');
        assert.equal(codec.encoded, shares ? 1 : 3);
      }
    });

    test('a large one arrives whole, also where the kernel takes a part of it', async (t) => {
      const codec = new LengthFieldBasedFrameCodec(
        { lengthFieldLength: 4 },
        { lengthFieldLength: 4, initialBytesToStrip: 4 },
      );
      const { clients, connections } = await startMany(
        t,
        3,
        { codec, socketSendBuffer: 16_384, socketRecvBuffer: 16_384 },
        transport,
      );
      const payload = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, at) => at % 251));
      const prepared = prepare(payload);
      const expected = Buffer.concat([Buffer.alloc(4), payload, Buffer.alloc(4), payload]);
      expected.writeUInt32BE(payload.length, 0);
      expected.writeUInt32BE(payload.length, payload.length + 4);
      // What the program does with its own bytes later does not matter.
      payload.fill(1);
      for (const c of connections) {
        c.asyncWrite(prepared);
        c.asyncWrite(prepared);
      }
      for (const client of clients) {
        assertSameBytes(await client.readExactly(expected.length), expected);
      }
    });
  });
}

describe('prepared, wherever bytes go', () => {
  test('as an answer, with an action, from onOpened, and without the codec', async (t) => {
    const prepared = prepare('again');
    const handler: EventHandler = {
      onOpened: () => prepared,
      async react(frame, c) {
        if (String(frame) === 'raw') c.writeNoCodec(prepared);
        if (String(frame) === 'flushed') {
          await c.flushWrite(prepared);
          await c.flushWrite(prepared, true);
        }
        return String(frame) === 'last' ? [prepared, Action.Close] : prepared;
      },
    };
    const codec = new LineBasedFrameCodec();
    const { clients } = await startMany(t, 0, { codec }, 'tcp', handler);
    assert.deepEqual(clients, []);
    const rig = await startRig(t, handler, { codec });
    const client = await connect(t, rig);
    client.write('plain\nraw\nflushed\nlast\n');
    assert.equal(
      text(await client.readUntilEnd()),
      'again' + 'again\n' + 'againagain\n' + 'again\nagainagain\n' + 'again\n',
    );
  });

  test('handles and broadcast, which prepares what is not', async (t) => {
    const codec = new CountingCodec(true);
    const { rig, clients, connections } = await startMany(t, 3, { codec });
    const prepared = prepare('to all');
    assert.equal(await rig.server.broadcast(prepared), 3);
    assert.equal(codec.encoded, 1);
    assert.equal(await rig.server.broadcast('to all'), 3);
    assert.equal(codec.encoded, 2);
    for (const c of connections) await rig.server.conn(c.id).write(prepared);
    assert.equal(codec.encoded, 2);
    for (const client of clients) {
      assert.equal(text(await client.readExactly(21)), 'to all\n'.repeat(3));
    }
  });

  test('a link sends it', async (t) => {
    const frames: string[] = [];
    const rig = await startRig(t, { react: (frame) => void frames.push(String(frame)) });
    const { client } = await startClient(t, {});
    const link = client.link(rig.server.addr);
    link.write(prepare('by link'));
    await waitUntil(() => frames.join('') === 'by link', 'arrived');
  });

  test('a datagram', async (t) => {
    const prepared = prepare('datagram');
    const rig = await startRig(
      t,
      {
        react(_frame, c) {
          c.sendTo(prepared);
          c.asyncWrite(prepared);
          return prepared;
        },
      },
      {},
      'udp://127.0.0.1:0',
    );
    const socket = createSocket('udp4');
    t.after(() => socket.close());
    const got: string[] = [];
    socket.on('message', (message) => got.push(String(message)));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.send('x', Number(rig.server.addr.split(':').at(-1)), '127.0.0.1');
    await waitUntil(() => got.length === 3, 'three answers');
    assert.deepEqual(got, ['datagram', 'datagram', 'datagram']);
  });
});

describe('prepared: what codecs make of it', () => {
  test('a subclass of a built-in codec that encodes for each connection is asked for each', async (t) => {
    class Numbered extends LineBasedFrameCodec {
      count = 0;
      override encodeInto = undefined as never;
      override encode(): Uint8Array {
        return Buffer.from(`${++this.count}\n`);
      }
    }
    const { clients, connections } = await startMany(t, 3, { codec: new Numbered() });
    const prepared = prepare('x');
    for (const c of connections) c.asyncWrite(prepared);
    const got = [];
    for (const client of clients) got.push(text(await client.readExactly(2)));
    assert.deepEqual(got.sort(), ['1\n', '2\n', '3\n']);
  });

  test('what the codec refuses is refused each time; one codec follows another', async (t) => {
    const { clients, connections } = await startMany(t, 1, { codec: new FixedLengthFrameCodec(8) });
    const [c] = connections as [Conn];
    const prepared = prepare('7 bytes');
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.throws(() => c.asyncWrite(prepared), { code: 'ErrInvalidFixedLength' });
    }
    c.setCodec(new LineBasedFrameCodec());
    c.asyncWrite(prepared);
    const [client] = clients as [RawClient];
    assert.equal(text(await client.readExactly(8)), '7 bytes\n');
  });

  test('nothing else can be prepared', () => {
    assert.equal(prepare('né').length, 3);
    assert.equal(prepare(new Uint8Array(5)).length, 5);
    for (const wrong of [null, undefined, 5, {}, [1], new Uint16Array(2), prepare('x')]) {
      assert.throws(() => prepare(wrong as string), { code: 'ErrInvalidReply' });
    }
  });
});
