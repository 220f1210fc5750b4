/**
 * Frames of WebSockets as a server and as a client receive them: in one piece, in several, and beside
 * the receiver of `ws`. Messages, pings and pongs must be the same, in the same order, and so must the end.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { ByteSource } from 'gnet/testing';
import type { Conn } from 'gnet';
import type { FuzzTarget } from '../../testing/coverage-fuzzer.ts';
import { controlFrame, FIN, Opcode } from '../../src/websocket/frame.ts';
import { resolveWebSocketOptions } from '../../src/websocket/options.ts';
import { WebSocketSession } from '../../src/websocket/session.ts';
import { piecesOf } from './pieces.ts';

const messageMax = 300;
/** More than the header of any frame has. */
const headerMax = 14;
const options = resolveWebSocketOptions({ maxMessageBytes: messageMax });

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Heard {
  readonly events: string[];
  /** Code and reason of a goodbye that came, or what the peer is refused with; '' if it may go on. */
  end: string;
  /** What it has kept to go on from. */
  left: number;
}

function ours(pieces: readonly Buffer[], isClient: boolean): Heard {
  const heard: Heard = { events: [], end: '', left: 0 };
  let isOver = false;
  const conn = {
    setTimer: () => () => {},
    outboundBuffered: () => 0,
    writeNoCodec: (frame: Buffer) => {
      if (((frame[0] as number) & 15) !== Opcode.Pong) return true;
      const payload = Buffer.from(frame.subarray(isClient ? 6 : 2));
      if (isClient) for (const at of payload.keys()) payload[at]! ^= frame[2 + (at & 3)] as number;
      heard.events.push(`ping ${hex(payload)}`);
      return true;
    },
    close: () => {
      isOver = true;
    },
  };
  const session = new WebSocketSession({
    conn: conn as unknown as Conn<unknown>,
    handler: { pong: (_ws: unknown, payload: Buffer) => heard.events.push(`pong ${hex(payload)}`) },
    options,
    isClient,
    protocol: '',
    deflate: null,
    clock: null,
    data: undefined,
  });
  const source = new ByteSource();
  for (const piece of pieces) {
    source.receive(piece);
    for (let frame = session.decode(source); frame !== null; frame = session.decode(source)) {
      heard.events.push(`${session.isText ? 'text' : 'binary'} ${hex(frame)}`);
    }
  }
  heard.left = source.bufferLength();
  const wasOpen = session.isOpen && !isOver;
  const { code, reason } = session.ended();
  if (!wasOpen) heard.end = `${code} ${reason}`;
  return heard;
}

/** What `ws` has below its WebSockets; its types do not know of it. */
interface WsReceiver {
  on(event: string, heard: (...values: never[]) => void): void;
  _write(bytes: Buffer, encoding: string, done: (error?: Error) => void): void;
}
type ReceiverClass = new (options: object) => WsReceiver;
const { Receiver } = createRequire(import.meta.url)('ws') as { Receiver: ReceiverClass };

function refusalOf(error: Error): string {
  const symbol = Object.getOwnPropertySymbols(error).find(
    ({ description }) => description === 'status-code',
  );
  if (symbol === undefined) throw error;
  return `${(error as unknown as Record<symbol, unknown>)[symbol]} `;
}

function ofWs(bytes: Buffer, isClient: boolean): Heard {
  const heard: Heard = { events: [], end: '', left: 0 };
  const receiver = new Receiver({ isServer: !isClient, maxPayload: messageMax });
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    heard.events.push(`${isBinary ? 'binary' : 'text'} ${hex(data)}`);
  });
  receiver.on('ping', (data: Buffer) => heard.events.push(`ping ${hex(data)}`));
  receiver.on('pong', (data: Buffer) => heard.events.push(`pong ${hex(data)}`));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    heard.end = `${code} ${reason.toString()}`;
  });
  receiver._write(Buffer.from(bytes), 'buffer', (error) => {
    if (error) heard.end = refusalOf(error);
  });
  return heard;
}

/**
 * We refuse a text where it goes wrong, ws where its last frame ends: until then only control frames
 * may come. And we refuse a header when it is whole.
 */
function checkBesideWs(own: Heard, theirs: Heard): void {
  if (own.end === '1007 ') {
    const later = theirs.events.slice(own.events.length);
    assert.deepEqual(own.events, theirs.events.slice(0, own.events.length), 'before a bad text');
    assert.ok(
      later.every((event) => event.startsWith('p')),
      `a bad text, then ${later}`,
    );
    return;
  }
  assert.deepEqual(own.events, theirs.events, 'beside ws');
  if (own.end === '' && own.left < headerMax && /^100[29] $/.test(theirs.end)) return;
  assert.equal(own.end, theirs.end, 'how it ends, beside ws');
}

function runWebSocket(input: Buffer): void {
  const isClient = (input[0] ?? 0) % 2 === 1;
  const bytes = input.subarray(1);
  // Payloads are unmasked where they stand.
  const whole = ours([Buffer.from(bytes)], isClient);
  const pieces = ours(piecesOf(Buffer.from(bytes)), isClient);
  assert.deepEqual(pieces, whole);
  checkBesideWs(whole, ofWs(bytes, isClient));
}

const masks = [null, 0x12345678] as const;

function frame(isClient: boolean, first: number, payload: string | Buffer): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const framed = controlFrame(Opcode.Text, bytes, masks[isClient ? 0 : 1]);
  framed[0] = first;
  return framed;
}

function seeds(): Buffer[] {
  return [false, true].flatMap((isClient) => {
    const made = (first: number, payload: string | Buffer) => frame(isClient, first, payload);
    const goodbye = Buffer.from('\x03\xe8bye', 'latin1');
    const streams = [
      [made(FIN | Opcode.Text, 'hello'), made(FIN | Opcode.Binary, Buffer.alloc(130, 7))],
      [made(Opcode.Text, 'h€'), made(FIN | Opcode.Ping, 'p'), made(FIN, 'llo 𝄞')],
      [made(Opcode.Binary, 'ab'), made(Opcode.Continuation, ''), made(FIN, 'c')],
      [
        made(FIN | Opcode.Pong, ''),
        made(FIN | Opcode.Close, goodbye),
        made(FIN | Opcode.Text, 'x'),
      ],
      [made(FIN | Opcode.Close, ''), made(FIN | Opcode.Ping, '')],
      [made(FIN | Opcode.Text, Buffer.from([0xf0, 0x9d, 0x84])), made(FIN | Opcode.Ping, '')],
    ];
    return streams.map((parts) => Buffer.concat([Buffer.from([isClient ? 1 : 0]), ...parts]));
  });
}

export const webSocketTarget: FuzzTarget = {
  name: 'websocket',
  seeds: seeds(),
  words: [
    '\x81\x02hi',
    '\x01\x01\xe2',
    '\x80\x02\x82\xac',
    '\x89\x00',
    '\x88\x02\x03\xe8',
    '\x88\x82\0\0\0\0\x03\xed',
    '\x82\x7e\x01\x2d',
    '\x82\x7f\0\0\0\0\0\0\x01\0',
    '\x81\x80\0\0\0\0',
    '\x00\x81\0\0\0\0a',
  ],
  run: runWebSocket,
};
