/** Why connections ended, how many frames came and how often readers were slow, in `stats()`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventHandler, FixedLengthFrameCodec, type LoopStats, type Options } from 'gnet';
import { connect, type Rig, startRig } from '../support/rig.ts';
import type { RawClient } from 'gnet/testing';
import { waitUntil } from '../support/wait-until.ts';

type Kind = Extract<keyof LoopStats, `closedBy${string}`>;
const kinds: readonly Kind[] = [
  'closedByReset',
  'closedByTimeout',
  'closedByLimit',
  'closedByProtocol',
  'closedByHandler',
  'closedByOther',
];

interface Case {
  readonly kind: Kind | null;
  readonly handler?: EventHandler;
  readonly options?: Options;
  readonly act: (client: RawClient) => void;
}

const write = (client: RawClient): void => client.write('hello');
const failing = {
  encode: (_c: unknown, bytes: Uint8Array) => bytes,
  decode: () => {
    throw new Error('unreadable');
  },
};

const cases: Readonly<Record<string, Case>> = {
  'the end of the peer': { kind: null, act: (client) => client.end() },
  'a reset': { kind: 'closedByReset', act: (client) => client.reset() },
  'a time limit': { kind: 'closedByTimeout', options: { idleTimeout: 20 }, act: () => {} },
  'a frame that is too long': {
    kind: 'closedByLimit',
    options: { maxFrameLength: 2 },
    act: write,
  },
  'a codec that throws': { kind: 'closedByProtocol', options: { codec: failing }, act: write },
  'a handler that throws': {
    kind: 'closedByHandler',
    handler: {
      react() {
        throw new Error('broken');
      },
    },
    act: write,
  },
};

function loopOf({ server }: Rig): LoopStats {
  return server.stats().loops[0] as LoopStats;
}

for (const [name, { kind, handler = {}, options, act }] of Object.entries(cases)) {
  test(`${name} counts as ${kind ?? 'no failure'}`, async (t) => {
    const rig = await startRig(
      t,
      { react: () => undefined, ...handler },
      { closeTimeout: 20, ...options },
    );
    act(await connect(t, rig));
    await waitUntil(() => loopOf(rig).closed === 1, 'the connection is closed');
    const counted = kinds.filter((one) => loopOf(rig)[one] > 0);
    assert.deepEqual(counted, kind === null ? [] : [kind]);
  });
}

test('frames count each, not reads', async (t) => {
  const codec = new FixedLengthFrameCodec(4);
  const rig = await startRig(t, { react: (frame) => frame }, { codec });
  const client = await connect(t, rig);
  client.write('1234'.repeat(50));
  await client.readExactly(200);
  assert.equal(loopOf(rig).frames, 50);
});

test('a slow reader counts once for each time that it is one', async (t) => {
  const big = Buffer.alloc(4096);
  const react: EventHandler['react'] = (_frame, c) => {
    // Not sent before the call is over: above the mark, whatever the kernel takes.
    for (let count = 0; count < 4; count++) c.asyncWrite(big);
  };
  const rig = await startRig(t, { react }, { highWaterMark: 8192, lowWaterMark: 4096 });
  const client = await connect(t, rig);
  for (let count = 1; count <= 3; count++) {
    client.write('more');
    await client.readExactly(4 * big.length);
    await waitUntil(() => loopOf(rig).aboveHighWater === count, `${count} times`);
  }
});
