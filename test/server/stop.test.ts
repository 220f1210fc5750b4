/** What a stop still does before it closes: everything that had arrived, or was promised. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Conn, ErrConnClosed, LineBasedFrameCodec, type Server, serve, stop } from 'gnet';
import { blockTimers, blockUntilTold } from '../support/block.ts';
import { DatagramClient } from '../support/datagram-client.ts';
import { runProgram } from '../support/program.ts';
import {
  connect,
  freeAddress,
  startRig,
  streamTransports,
  temporaryDirectory,
} from '../support/rig.ts';
import { notOverTls } from '../support/transport.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const program = (name: string): string =>
  fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));

describe('received means answered', () => {
  for (const transport of streamTransports) {
    for (const mode of ['at once', 'by promise'] as const) {
      const title = `${transport}, ${mode}: requests of open connections and of the backlog`;
      test(title, notOverTls('who waits in the backlog shakes no hands'), async (t) => {
        const answer = (line: Buffer | null): string => `${line}!`;
        const folder = temporaryDirectory(t);
        const rig = await startRig(
          t,
          {
            react(line) {
              if (String(line) === 'block') {
                // What clients do meanwhile is all there when the stop begins.
                blockUntilTold(folder);
                void rig.server.stop();
                return undefined;
              }
              const text = answer(line);
              return mode === 'at once' ? text : sleep(5, text);
            },
          },
          { codec: new LineBasedFrameCodec() },
          freeAddress(t, transport),
        );
        const clients = runProgram(t, program('late-clients'), [rig.server.addr, folder]);
        const { output } = await clients.ending();
        const answers = JSON.parse(output.trim().split('\n').at(-1) ?? '[]') as string[];
        assert.deepEqual(answers, Array(20).fill('one!\ntwo!\n'));
        assert.deepEqual(await rig.server.stop(), { forced: 0 });
      });
    }
  }

  for (const limits of [{ timeout: 1_000 }, { timeout: 60_000, closeTimeout: 1_000 }]) {
    test(`what a handler waits for came while the thread was blocked: ${JSON.stringify(limits)}`, async (t) => {
      const { timeout, closeTimeout = 60_000 } = limits;
      const other = createServer((socket) => {
        answers = (): void => void socket.write('x');
      });
      let answers: (() => void) | undefined;
      t.after(() => other.close());
      other.listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as AddressInfo;
      const upstream = await connect(t, `127.0.0.1:${port}`);
      await waitUntil(() => answers !== undefined, 'upstream');
      let asked = 0;
      const react = async (): Promise<string> => {
        asked++;
        return `got ${await upstream.readExactly(1)}`;
      };
      const rig = await startRig(t, { react }, { closeTimeout });
      const client = await connect(t, rig);
      client.write('go');
      await waitUntil(() => asked === 1, 'the handler waits');
      const stopped = rig.server.stop({ timeout });
      await settle(20);
      blockTimers(answers as () => void, 1_500);
      assert.equal(String(await client.readUntilEnd()), 'got x');
      client.end();
      assert.deepEqual(await stopped, { forced: 0 });
    });
  }

  test('datagrams that wait in the kernel are answered, also by promise', async (t) => {
    const rig = await startRig(
      t,
      {
        react(frame) {
          if (String(frame) !== 'block') return sleep(20, `${frame}!`);
          for (let index = 0; index < 20; index++) void client.send(rig.server.addr, `d${index}`);
          return sleep(0).then(async () => {
            await settle(20);
            void rig.server.stop();
            return undefined;
          });
        },
      },
      {},
      'udp://127.0.0.1:0',
    );
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'block');
    await rig.server.closed;
    await waitUntil(() => client.received.length === 20, 'the answers');
  });

  test('hundreds of datagrams that wait when the handler stops the server', async (t) => {
    const folder = temporaryDirectory(t);
    const rig = await startRig(
      t,
      {
        react(frame) {
          if (String(frame) !== 'stop') return frame;
          blockUntilTold(folder);
          void rig.server.stop();
          return undefined;
        },
      },
      {},
      'udp://127.0.0.1:0',
    );
    const sender = runProgram(t, program('late-datagrams'), [rig.server.addr, '200', folder]);
    const { output } = await sender.ending();
    assert.equal(output.trim(), '200 answers');
  });

  test('a peer that goes on sending does not hold it up', async (t) => {
    const rig = await startRig(t, { react: () => undefined });
    const client = await connect(t, rig);
    let sending = true;
    t.after(() => {
      sending = false;
    });
    const flood = async (): Promise<void> => {
      while (sending && !client.closed) {
        client.write(Buffer.alloc(65_536));
        await sleep(0);
      }
    };
    const flooding = flood();
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesReceived ?? 0) > 1e6, 'the flood');
    const stopped = rig.server.stop({ timeout: 600_000 });
    await waitUntil(() => rig.events.includes('closed') || client.ended, 'the end of our side');
    sending = false;
    await flooding;
    client.end();
    assert.deepEqual(await stopped, { forced: 0 });
  });

  test('a connection that the program has paused is told first, and may go on reading', async (t) => {
    const frames: string[] = [];
    let resumes = false;
    const rig = await startRig(
      t,
      {
        onOpened: (c: Conn) => c.pauseRead(),
        react: (frame) => {
          frames.push(String(frame));
          return 'answer';
        },
        signalClose(c) {
          if (resumes) c.resumeRead();
        },
      },
      { codec: new LineBasedFrameCodec() },
    );
    const leftAlone = await connect(t, rig);
    leftAlone.write('nobody wants it\n');
    await waitUntil(() => rig.events.includes('open'), 'the connection');
    const first = rig.server.stop({ timeout: 600_000 });
    leftAlone.end();
    await leftAlone.readUntilEnd();
    assert.deepEqual(await first, { forced: 0 });
    assert.deepEqual(frames, []);

    resumes = true;
    const again = await startRig(
      t,
      {
        onOpened: (c: Conn) => c.pauseRead(),
        react: (frame) => `${frame}!`,
        signalClose: (c) => c.resumeRead(),
      },
      { codec: new LineBasedFrameCodec() },
    );
    const waiting = await connect(t, again);
    waiting.write('one\ntwo\n');
    await waitUntil(() => again.events.includes('open'), 'the connection');
    await settle();
    const second = again.server.stop({ timeout: 600_000 });
    const answers = (await waiting.readUntilEnd()).toString().replaceAll('\r', '');
    waiting.end();
    assert.equal(answers, 'one!\ntwo!\n');
    assert.deepEqual(await second, { forced: 0 });
  });

  test('after the goodbye nothing is answered, though it comes at that very moment', async (t) => {
    const frames: string[] = [];
    let settleFirst: () => void = () => {};
    const rig = await startRig(
      t,
      {
        react(frame) {
          frames.push(String(frame));
          return new Promise<string>((resolve) => {
            settleFirst = () => resolve(`${frame}!`);
          });
        },
        signalClose(c) {
          c.asyncWrite('bye');
          client.write('two\n');
        },
      },
      { codec: new LineBasedFrameCodec() },
    );
    const client = await connect(t, rig);
    client.write('one\n');
    await waitUntil(() => frames.length === 1, 'the first request');
    const stopped = rig.server.stop({ timeout: 600_000 });
    await settle();
    settleFirst();
    const answers = (await client.readUntilEnd()).toString().replaceAll('\r', '');
    client.end();
    assert.deepEqual(await stopped, { forced: 0 });
    assert.equal(answers, 'one!\nbye\n');
    assert.deepEqual(frames, ['one']);
  });
});

describe('the result of a stop', () => {
  test('says what was left undone', async (t) => {
    const large = Buffer.alloc(64 * 1_024 * 1_024);
    const rig = await startRig(
      t,
      { react: (frame) => (String(frame) === 'never' ? new Promise<never>(() => {}) : large) },
      { closeTimeout: 0, socketSendBuffer: 16_384 },
    );
    const unsettled = await connect(t, rig);
    unsettled.write('never');
    const slow = await connect(t, rig);
    slow.pauseReading();
    slow.write('large');
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesSent ?? 0) > 0, 'bytes on their way');
    await settle();
    unsettled.write('behind it');
    await settle();
    const { forced, undone } = await rig.server.stop({ timeout: 50 });
    assert.equal(forced, 2);
    assert.equal(undone?.unsettledHandlers, 1);
    assert.ok((undone?.unhandledInput ?? 0) >= 1, 'the request behind the promise');
    assert.ok((undone?.unsentBytes ?? 0) > 0);
    assert.equal(undone?.lostLoops, 0);
  });

  test('a promise that does not settle holds it up for closeTimeout', async (t) => {
    const rig = await startRig(
      t,
      { react: () => new Promise<never>(() => {}) },
      { closeTimeout: 50 },
    );
    const client = await connect(t, rig);
    client.write('ask');
    await waitUntil(() => (rig.server.stats().loops[0]?.bytesReceived ?? 0) > 0, 'asked');
    await rig.server.stop({ timeout: Number.POSITIVE_INFINITY });
    assert.ok(rig.events.includes('shutdown'));
  });
});

describe('stop(address)', () => {
  test('does not find a server that was stopped in its own onInitComplete', async (t) => {
    const first = await serve(
      { onInitComplete: (server: Server) => void server.stop() },
      'tcp://127.0.0.1:0',
    );
    await first.closed;
    const text = `tcp://${first.addr}`;
    await assert.rejects(stop(text), { code: 'ErrServerInShutdown' });
    const second = await serve({}, text);
    t.after(() => second.close());
    await stop(text);
    await second.closed;
    await assert.rejects(stop(text), { code: 'ErrServerInShutdown' });
  });
});

test('after the end there is no handle for any connection', async (t) => {
  const ids: number[] = [];
  const rig = await startRig(t, { onOpened: (c) => void ids.push(c.id) });
  const client = await connect(t, rig);
  await waitUntil(() => ids.length === 1, 'opened');
  client.destroy();
  await rig.server.stop();
  assert.throws(() => rig.server.conn(ids[0] as number), ErrConnClosed);
});
