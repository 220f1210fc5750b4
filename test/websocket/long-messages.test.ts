/** Messages so long that another thread compresses them: the order, the bounds, and every way to end. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import { connectWebSocket, prepareMessage, type WebSocketConn } from 'gnet/websocket';
import type WebSocket from 'ws';
import { waitUntil } from '../support/wait-until.ts';
import { closing, frame, rawWs, startWs, wsClient } from './ws-rig.ts';

const MiB = 1024 * 1024;
/** Compresses to a half of it. */
const long = randomBytes(MiB / 2).toString('hex');
/** The machine may be busy with other things. */
const patient = { closeTimeout: 30_000 };
const echo = { message: (_ws: WebSocketConn, data: Buffer) => data };

/** What comes, by its first byte and its length. */
function heardBy(client: WebSocket): string[] {
  const heard: string[] = [];
  client.on('message', (data: Buffer, isBinary: boolean) => {
    heard.push(`${isBinary ? 'binary' : 'text'} ${data.toString('latin1', 0, 1)} ${data.length}`);
  });
  return heard;
}

const ofLong = (first: string): string => first + long.slice(1);

for (const contextTakeover of [false, true]) {
  test(`what is sent leaves in order, and so does the goodbye, takeover: ${contextTakeover}`, async (t) => {
    const deflate = { contextTakeover };
    const rig = await startWs(
      t,
      {
        message(ws: WebSocketConn) {
          ws.send('0 short');
          ws.send(ofLong('1'));
          ws.send('2 short');
          ws.send(prepareMessage(Buffer.from('3 prepared')));
          ws.send('4'.repeat(5_000));
          ws.send(Buffer.from(ofLong('5')));
          ws.send(ofLong('6'), { compress: false });
          ws.close(4321, 'enough');
          assert.equal(ws.send('too late'), false);
        },
      },
      { ...patient, deflate },
    );
    const perMessageDeflate = contextTakeover ? {} : { serverNoContextTakeover: true };
    const client = await wsClient(t, rig.url, { perMessageDeflate });
    const heard = heardBy(client);
    client.send('go');
    assert.equal(await closing(client), '4321 enough');
    assert.deepEqual(heard, [
      'text 0 7',
      `text 1 ${MiB}`,
      'text 2 7',
      'binary 3 10',
      'text 4 5000',
      `binary 5 ${MiB}`,
      `text 6 ${MiB}`,
    ]);
    assert.deepEqual(rig.errors, []);
  });
}

test('no long message is compressed, or decompressed, on the thread of the loop', async (t) => {
  let longest = 0;
  for (const name of ['deflateRawSync', 'inflateRawSync'] as const) {
    const real = zlib[name];
    t.mock.method(zlib, name, (payload: Buffer, options: zlib.ZlibOptions) => {
      const bytes = real(payload, options);
      longest = Math.max(longest, bytes.length, payload.length);
      return bytes;
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const rig = await startWs(t, echo, { ...patient, deflate: true });
  const seen: number[] = [];
  const ws = await connectWebSocket(
    rig.url,
    { message: (_ws, data) => void seen.push(data.length) },
    { ...patient, deflate: true },
  );
  // Random ones do not become shorter, and those of one byte a thousandth of what they are.
  for (const message of [ofLong('1'), randomBytes(MiB), 'z'.repeat(4 * MiB), 'short']) {
    ws.send(message);
  }
  await waitUntil(() => seen.length === 4, 'all echoes');
  assert.deepEqual(seen, [MiB, MiB, 4 * MiB, 5]);
  assert.ok(longest <= 65_536 + 100, String(longest));
  ws.terminate();
});

describe('what waits is bounded', () => {
  test('echoes are not read faster than they are compressed', async (t) => {
    let most = 0;
    const rig = await startWs(
      t,
      {
        message(ws: WebSocketConn, data: Buffer) {
          most = Math.max(most, ws.bufferedAmount);
          return data;
        },
      },
      { ...patient, deflate: true },
    );
    const client = await wsClient(t, rig.url, { perMessageDeflate: true });
    const heard = heardBy(client);
    const digits = Array.from({ length: 20 }, (_, index) => String(index % 10));
    for (const digit of digits) client.send(ofLong(digit), { compress: false });
    await waitUntil(() => heard.length === digits.length, 'all echoes');
    assert.deepEqual(
      heard,
      digits.map((digit) => `text ${digit} ${MiB}`),
    );
    // What waits to be compressed, and what waits to be sent.
    assert.ok(most <= 5 * MiB, String(most));
  });

  test('a sender is told, and drain follows', async (t) => {
    const seen: string[] = [];
    const rig = await startWs(
      t,
      {
        message(ws: WebSocketConn) {
          const said = [ws.send(ofLong('1')), ws.send(ofLong('2'))];
          seen.push(`sent ${said} ${ws.bufferedAmount > MiB}`);
          void ws.flushed().then(() => seen.push(`flushed ${ws.bufferedAmount}`));
        },
        drain: (ws) => void seen.push(`drain ${ws.bufferedAmount < MiB}`),
      },
      { ...patient, deflate: true },
    );
    const client = await wsClient(t, rig.url, { perMessageDeflate: true });
    const heard = heardBy(client);
    client.send('go');
    await waitUntil(() => heard.length === 2 && seen.length === 3, 'both, drain, and flushed');
    assert.deepEqual(seen.toSorted(), ['drain true', 'flushed 0', 'sent false,false true']);
  });

  test('who sends without end is cut off', async (t) => {
    const rig = await startWs(
      t,
      {
        message(ws: WebSocketConn) {
          const bytes = Buffer.alloc(8 * MiB, 'x');
          for (let count = 0; count < 100 && ws.isOpen; count++) ws.send(bytes);
          assert.equal(ws.isOpen, false);
        },
      },
      { ...patient, deflate: true },
    );
    const client = await wsClient(t, rig.url, { perMessageDeflate: true });
    client.on('error', () => {});
    client.send('go');
    assert.match(await closing(client), /^1006/);
  });
});

describe('while a message is compressed', () => {
  /** A client that asks for two long messages. */
  async function asking(t: Parameters<typeof wsClient>[0], act: (ws: WebSocketConn) => void) {
    const closes: number[] = [];
    const rig = await startWs(
      t,
      {
        message(ws: WebSocketConn, data: Buffer) {
          if (String(data) !== 'go') return;
          ws.send(ofLong('1'));
          ws.send(ofLong('2'));
          act(ws);
        },
        close: (_ws, code) => void closes.push(code),
      },
      { ...patient, deflate: true },
    );
    const client = await wsClient(t, rig.url, { perMessageDeflate: true });
    const heard = heardBy(client);
    client.on('error', () => {});
    client.send('go');
    return { rig, client, heard, closes };
  }
  const both = [`text 1 ${MiB}`, `text 2 ${MiB}`];

  test('the client may say goodbye: it gets everything, and its answer', async (t) => {
    const { client, heard, closes } = await asking(t, () => {});
    client.close(4000);
    assert.equal(await closing(client), '4000 ');
    assert.deepEqual(heard, both);
    await waitUntil(() => closes.length > 0, 'the close');
    assert.deepEqual(closes, [4000]);
  });

  test('the handler may throw: 1011 comes behind everything', async (t) => {
    const fault = new Error('of the program');
    const { rig, client, heard } = await asking(t, () => {
      throw fault;
    });
    assert.equal(await closing(client), '1011 ');
    assert.deepEqual(heard, both);
    assert.equal(rig.errors[0], fault);
  });

  test('the server may stop: 1001 comes behind everything', async (t) => {
    let stopped: Promise<unknown> | undefined;
    const { rig, client, heard } = await asking(t, () => {
      stopped = rig.server.stop({ timeout: 60_000 });
    });
    assert.equal(await closing(client), '1001 ');
    assert.deepEqual(heard, both);
    await stopped;
  });

  test('both sides may cut it off', async (t) => {
    const cut = await asking(t, (ws) => ws.terminate());
    assert.match(await closing(cut.client), /^1006/);
    assert.deepEqual(cut.heard, []);
    const left = await asking(t, () => left.client.terminate());
    await waitUntil(() => left.closes.length > 0, 'the close');
    assert.deepEqual(left.closes, [1006]);
    assert.deepEqual([...cut.rig.errors, ...left.rig.errors], []);
  });
});

test('what is long and broken is refused with its code', async (t) => {
  const rig = await startWs(t, echo, { deflate: { threshold: 1 }, maxMessageBytes: 3 * MiB });
  const lines = ['Sec-WebSocket-Extensions: permessage-deflate'];
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
  const deflated = (bytes: Buffer): Buffer => zlib.deflateRawSync(bytes, options).subarray(0, -4);
  const noText = Buffer.alloc(MiB, 'x');
  noText[noText.length - 1] = 0xff;
  const broken = deflated(Buffer.from(ofLong('x')));
  // A kind of block that does not exist.
  broken[0] = 0xff;
  for (const [payload, code] of [
    [deflated(Buffer.alloc(4 * MiB)), 1009],
    [deflated(noText), 1007],
    [broken, 1007],
  ] as const) {
    const { client } = await rawWs(t, rig, lines);
    client.write(frame(0xc1, payload));
    assert.equal((await client.readUntilEnd()).readUInt16BE(2), code);
  }
  // The others are served as before.
  const client = await wsClient(t, rig.url, { perMessageDeflate: true });
  client.send(ofLong('1'));
  const [data] = (await once(client, 'message')) as [Buffer];
  assert.equal(data.length, MiB);
});
