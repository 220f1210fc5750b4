/** Programs and peers at their worst. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from 'gnet/testing';
import { connectWebSocket, type WebSocketConn } from 'gnet/websocket';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { waitUntil } from '../support/wait-until.ts';
import { closing, frame, handshake, nextMessage, rawWs, startWs, wsClient } from './ws-rig.ts';

describe('an event that throws closes with 1011, and is reported', () => {
  test('pong', async (t) => {
    const fault = new Error('in pong');
    const rig = await startWs(t, {
      open: (ws) => ws.ping('x'),
      pong() {
        throw fault;
      },
    });
    const client = await wsClient(t, rig.url);
    assert.equal(await closing(client), '1011 ');
    await waitUntil(() => rig.errors.length > 0, 'the report');
    assert.equal(rig.errors[0], fault);
  });

  test('drain', async (t) => {
    const fault = new Error('in drain');
    let isAbove = false;
    const rig = await startWs(
      t,
      {
        message(ws) {
          while (ws.send(Buffer.alloc(100_000)));
          isAbove = true;
        },
        drain() {
          throw fault;
        },
      },
      { highWaterMark: 1_000_000, lowWaterMark: 1_000 },
    );
    const client = await wsClient(t, rig.url);
    client.pause();
    client.send('go');
    await waitUntil(() => isAbove, 'it is above');
    client.resume();
    assert.equal(await closing(client), '1011 ');
    assert.equal(rig.errors[0], fault);
  });
});

describe('so does one whose promise rejects', () => {
  const fault = new Error('later');
  const rejects = (): Promise<void> => Promise.reject(fault);

  test('open', async (t) => {
    const rig = await startWs(t, { open: rejects });
    const client = await wsClient(t, rig.url);
    assert.equal(await closing(client), '1011 ');
    await waitUntil(() => rig.errors.length > 0, 'the report');
    assert.deepEqual(rig.errors, [fault]);
  });

  test('pong', async (t) => {
    const rig = await startWs(t, { open: (ws) => ws.ping('x'), pong: rejects });
    const client = await wsClient(t, rig.url);
    assert.equal(await closing(client), '1011 ');
    await waitUntil(() => rig.errors.length > 0, 'the report');
    assert.deepEqual(rig.errors, [fault]);
  });

  test('drain', async (t) => {
    let isAbove = false;
    const rig = await startWs(
      t,
      {
        message(ws) {
          while (ws.send(Buffer.alloc(100_000)));
          isAbove = true;
        },
        drain: rejects,
      },
      { highWaterMark: 1_000_000, lowWaterMark: 1_000 },
    );
    const client = await wsClient(t, rig.url);
    client.pause();
    client.send('go');
    await waitUntil(() => isAbove, 'it is above');
    client.resume();
    assert.equal(await closing(client), '1011 ');
    await waitUntil(() => rig.errors.length > 0, 'the report');
    assert.equal(rig.errors[0], fault);
  });

  test('close, which has nothing left to close', async (t) => {
    const rig = await startWs(t, { close: rejects });
    const client = await wsClient(t, rig.url);
    client.close(4000);
    await waitUntil(() => rig.errors.length > 0, 'the report');
    assert.deepEqual(rig.errors, [fault]);
    // The server goes on.
    await wsClient(t, rig.url);
  });

  test('open, when the server is down by then', async (t) => {
    let reject: () => void = () => {};
    const rig = await startWs(t, {
      open: () =>
        new Promise<void>((_resolve, fail) => {
          reject = () => fail(fault);
        }),
    });
    await wsClient(t, rig.url);
    await rig.server.stop({ timeout: 0 });
    // Unhandled, it would fail the test.
    reject();
    await setImmediate();
  });

  test('and on a client', async (t) => {
    const codes: number[] = [];
    const rig = await startWs(t, { close: (_ws, code) => void codes.push(code) });
    await connectWebSocket(rig.url, { open: rejects });
    await waitUntil(() => codes.length === 1, 'close');
    const ws = await connectWebSocket(rig.url, { close: rejects });
    ws.close();
    await waitUntil(() => codes.length === 2, 'close');
    assert.equal(codes[0], 1011);
  });
});

test('what answers a goodbye behind a message at work is heard', async (t) => {
  const codes: number[] = [];
  let finish: () => void = () => {};
  const rig = await startWs(
    t,
    {
      message(ws) {
        ws.close(4001);
        return new Promise<void>((resolve) => {
          finish = resolve;
        });
      },
      close: (_ws, code) => void codes.push(code),
    },
    { closeTimeout: 500 },
  );
  const client = await wsClient(t, rig.url);
  client.send('go');
  // It answers at once; the time passes more than once.
  await sleep(1_200);
  assert.deepEqual(codes, []);
  finish();
  await waitUntil(() => codes.length > 0, 'close');
  assert.deepEqual(codes, [4001]);
});

test('the end may be called from any event, also in the middle of what has come', async (t) => {
  for (const how of ['close', 'terminate'] as const) {
    const seen: string[] = [];
    const end = (ws: WebSocketConn): void => {
      ws[how]();
      ws[how]();
    };
    const rig = await startWs(t, {
      pong(ws) {
        seen.push('pong');
        end(ws);
      },
      message: (_ws, data) => void seen.push(`message ${data}`),
      close(ws) {
        seen.push('close');
        end(ws);
        assert.equal(ws.send('late'), false);
      },
    });
    const { client } = await rawWs(t, rig);
    // What is behind it in the same read is not delivered.
    client.write(Buffer.concat([frame(0x8a, 'x'), frame(0x81, 'late'), frame(0x8a, 'y')]));
    await waitUntil(() => rig.server.countConnections() === 0 || how === 'close', 'the end');
    client.destroy();
    await waitUntil(() => seen.includes('close'), 'close');
    assert.deepEqual(
      seen.filter((one) => one !== 'pong'),
      ['close'],
    );
    assert.deepEqual(rig.errors, []);
  }
});

test('a client that has ended before it was accepted is closed', async (t) => {
  let accept: () => void = () => {};
  const closes: number[] = [];
  const rig = await startWs(
    t,
    { close: (_ws, code) => void closes.push(code) },
    {
      pingInterval: 0,
      accept: (request) =>
        new Promise((resolve) => {
          accept = () => resolve(true);
          // The loop has heard of the end.
          request.signal.addEventListener('abort', () => accept());
        }),
    },
  );
  const client = await RawClient.connect(rig.server.addr);
  t.after(() => client.destroy());
  client.write(handshake());
  client.end();
  assert.match(String(await client.readUntilEnd()), /^HTTP\/1\.1 101 /);
  await waitUntil(() => closes.length > 0, 'close');
  assert.deepEqual(closes, [1006]);
});

test('a handler at work is no silent peer', async (t) => {
  let finish: () => void = () => {};
  const closes: number[] = [];
  const rig = await startWs(
    t,
    {
      message: () =>
        new Promise<string>((resolve) => {
          finish = () => resolve('done');
        }),
      close: (_ws, code) => void closes.push(code),
    },
    { pingInterval: 30 },
  );
  const client = await wsClient(t, rig.url);
  const other = await wsClient(t, rig.url);
  client.send('go');
  // As seen by somebody else, the clock has looked more than often enough.
  for (let pings = 0; pings < 6; pings++) await once(other, 'ping');
  finish();
  assert.equal(await nextMessage(client), 'text done');
  assert.deepEqual(closes, []);
});

test('a peer that takes what is pending, slowly, is not silent', async (t) => {
  await unlessHeldUp(40, async () => {
    const closes: number[] = [];
    const rig = await startWs(
      t,
      {
        message(ws) {
          for (let count = 0; count < 400; count++) ws.send(Buffer.alloc(100_000));
        },
        close: (_ws, code) => void closes.push(code),
      },
      { pingInterval: 80, socketSendBuffer: 4_096 },
    );
    const other = await wsClient(t, rig.url);
    const { client } = await rawWs(t, rig);
    client.pauseReading();
    client.write(frame(0x81, 'go'));
    for (let pings = 0; pings < 6; pings++) {
      await once(other, 'ping');
      client.resumeReading();
      const before = client.receivedBytes;
      const enough = Math.min(before + 300_000, 400 * 100_000);
      await waitUntil(() => client.receivedBytes >= enough, 'it reads');
      client.pauseReading();
    }
    assert.deepEqual(closes, []);
    client.destroy();
  });
});
