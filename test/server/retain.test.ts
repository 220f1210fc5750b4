/** `c.retain`: a frame that is kept without a copy. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Conn,
  type EventHandler,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
} from 'gnet';
import { connect, startRig } from '../support/rig.ts';
import { runProgram } from '../support/program.ts';
import { waitUntil } from '../support/wait-until.ts';

interface Kept {
  readonly frame: Buffer;
  readonly release: () => void;
}

/** Keeps every frame. */
class Keeper implements EventHandler {
  readonly kept: Kept[] = [];
  react(frame: Buffer | null, c: Conn): void {
    if (frame !== null) this.kept.push({ frame, release: c.retain(frame) });
  }
}

for (const mode of ['development', 'production'] as const) {
  test(`frames stay as they are until they are released (${mode})`, async (t) => {
    const program = runProgram(t, 'test/server/programs/keeps-frames.ts', [], {
      env: { ...process.env, NODE_ENV: mode },
    });
    assert.match(String(await program.line(/^(ok|wrong.*)$/m)), /^ok/);
  });
}

test('a frame is overwritten once it is released, in development mode', async (t) => {
  const keeper = new Keeper();
  const rig = await startRig(t, keeper, { codec: new LineBasedFrameCodec() });
  const client = await connect(t, rig);
  client.write('kept\n');
  await waitUntil(() => keeper.kept.length === 1, 'the frame');
  client.write('other\n');
  await waitUntil(() => keeper.kept.length === 2, 'another');
  const { frame, release } = keeper.kept[0] as Kept;
  assert.equal(String(frame), 'kept');
  release();
  release();
  assert.deepEqual(frame, Buffer.alloc(4, 0xdb));
});

test('answers to later frames are not written over a frame that is kept', async (t) => {
  const keeper = new Keeper();
  const codec = new LengthFieldBasedFrameCodec(
    { lengthFieldLength: 8, lengthAdjustment: 0, lengthIncludesLengthFieldLength: false },
    { lengthFieldOffset: 0, lengthFieldLength: 1, lengthAdjustment: 0, initialBytesToStrip: 1 },
  );
  const rig = await startRig(
    t,
    {
      react(frame, c) {
        if (keeper.kept.length === 0) keeper.react(frame, c);
        return frame;
      },
    },
    { codec },
  );
  const client = await connect(t, rig);
  client.write(Buffer.from('\x04kept\x01a\x01b'));
  await client.readExactly(8 * 3 + 6);
  assert.equal(String(keeper.kept[0]?.frame), 'kept');
});

test('a datagram is kept, too', async (t) => {
  const keeper = new Keeper();
  const rig = await startRig(t, keeper, {}, 'udp://127.0.0.1:0');
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const port = Number(rig.server.addr.split(':')[1]);
  socket.send('first', port, '127.0.0.1');
  await waitUntil(() => keeper.kept.length === 1, 'the first');
  socket.send('other', port, '127.0.0.1');
  await waitUntil(() => keeper.kept.length === 2, 'the second');
  assert.equal(String(keeper.kept[0]?.frame), 'first');
  for (const { release } of keeper.kept) release();
});

describe('in development mode', () => {
  test('a frame that nobody can release any more is reported', async (t) => {
    let frames = 0;
    const forget: EventHandler = {
      react(frame, c) {
        if (frame !== null) c.retain(frame);
        frames++;
      },
    };
    const rig = await startRig(t, forget);
    const client = await connect(t, rig);
    client.write('lost');
    await waitUntil(() => frames === 1, 'the frame');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let tries = 0; tries < 200 && rig.reports.length === 0; tries++) {
      collect();
      await sleep(5);
    }
    assert.match(String(rig.reports[0]?.message), /never released/);
    client.end();
    await once(client.socket, 'close');
  });
});
