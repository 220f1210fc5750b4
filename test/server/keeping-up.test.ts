/** `overflow: 'close'` is for readers that stop, however much is written for one that reads. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ErrOutboundOverflow,
  type EventHandler,
  LengthFieldBasedFrameCodec,
  type Options,
} from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { assertSameBytes, connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const kibibyte = 1_024;
const mebibyte = 1_024 * kibibyte;
const options: Options = { overflow: 'close', highWaterMark: 256 * kibibyte };

interface Way {
  readonly name: string;
  /** Asks for an answer. */
  readonly ask: Buffer;
  readonly handler: EventHandler;
  readonly options?: Options;
  /** What the client gets. */
  readonly sent: Buffer;
}

/** Ways to answer with so many bytes. */
function waysToAnswer(length: number): readonly Way[] {
  const answer = new BytePattern(11).slice(0, length);
  const text = answer.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
  const ask = Buffer.from('x');
  const pieceBytes = 16 * kibibyte;
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(length);
  return [
    { name: 'bytes', ask, handler: { react: () => answer }, sent: answer },
    { name: 'a string', ask, handler: { react: () => text }, sent: Buffer.from(text) },
    {
      name: 'many writes',
      ask,
      handler: {
        react(_frame, c) {
          for (let at = 0; at < length; at += pieceBytes) {
            c.asyncWrite(answer.subarray(at, at + pieceBytes));
          }
        },
      },
      sent: answer,
    },
    {
      name: 'an encoded frame',
      ask: Buffer.from([0, 0, 0, 1, 120]),
      handler: { react: () => answer },
      options: {
        codec: new LengthFieldBasedFrameCodec(
          { lengthFieldLength: 4 },
          { lengthFieldLength: 4, initialBytesToStrip: 4 },
        ),
      },
      sent: Buffer.concat([prefix, answer]),
    },
  ];
}

describe("overflow: 'close'", () => {
  for (const { name, ask, handler, options: own, sent } of waysToAnswer(1_500 * kibibyte)) {
    test(`${name}: a reader that keeps up gets more than the mark, again and again`, async (t) => {
      const rig = await startRig(t, handler, { ...options, ...own });
      const client = await connect(t, rig);
      for (let count = 0; count < 5; count++) {
        client.write(ask);
        assertSameBytes(await client.readExactly(sent.length), sent);
      }
      assert.deepEqual(rig.events, ['init', 'open']);
    });
  }

  // More than a kernel holds.
  for (const { name, ask, handler, options: own } of waysToAnswer(24 * mebibyte)) {
    test(`${name}: a reader that does not read is closed, though nothing more is written`, async (t) => {
      const rig = await startRig(t, handler, { ...options, ...own });
      const client = await connect(t, rig);
      client.pauseReading();
      client.write(ask);
      await waitUntil(() => rig.closeErrors.length === 1, 'onClosed');
      assert.ok(rig.closeErrors[0] instanceof ErrOutboundOverflow);
      assert.match(rig.closeErrors[0].message, /overflow is 'close'/);
    });
  }
});
