/** Our client with servers of the package `ws` and our own; compression both ways. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { connectWebSocket, type WebSocketConn, type WebSocketServerOptions } from 'gnet/websocket';
import { WebSocketServer } from 'ws';
import { missing, runClient } from '../support/outside-client.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { ca, identity } from '../tls/tls-rig.ts';
import { closing, frame, nextMessage, rawWs, startWs, wsClient } from './ws-rig.ts';

const echo = { message: (_ws: WebSocketConn, data: Buffer) => data };
type ServerOptions = ConstructorParameters<typeof WebSocketServer>[0];

/** An echo server of the package `ws`. */
async function wsServer(t: TestScope, options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary }));
  });
  await once(server, 'listening');
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A client that writes down what comes. */
async function recorder(url: string, options: Parameters<typeof connectWebSocket>[2] = {}) {
  const seen: string[] = [];
  const ws = await connectWebSocket(
    url,
    {
      open: () => void seen.push('open'),
      message: (_ws, data, isText) => void seen.push(`${isText ? 'text' : 'binary'} ${data}`),
      close: (_ws, code, reason) => void seen.push(`close ${code} ${reason}`),
    },
    options,
  );
  return { ws, seen };
}

describe('connectWebSocket', () => {
  test('talks to a server of ws: text, bytes, long ones, a goodbye', async (t) => {
    const { url } = await wsServer(t);
    const { ws, seen } = await recorder(url);
    ws.send('text');
    ws.send(Buffer.from('bytes'));
    await waitUntil(() => seen.length === 3, 'echoes');
    for (const length of [125, 126, 65_535, 65_536, 3_000_000]) {
      ws.send('x'.repeat(length));
      await waitUntil(() => seen.at(-1)?.length === length + 'text '.length, String(length));
    }
    ws.close(4000, 'bye');
    await waitUntil(() => seen.at(-1) === 'close 4000 bye', 'close');
    assert.deepEqual(seen.slice(0, 3), ['open', 'text text', 'binary bytes']);
  });

  test('sends headers and subprotocols, and says which was chosen', async (t) => {
    const headers: unknown[] = [];
    const { server, url } = await wsServer(t, { handleProtocols: () => 'two' });
    server.on('connection', (_socket, request) =>
      headers.push(request.headers['x-key'], request.url),
    );
    const options = { protocols: ['one', 'two'], headers: { 'X-Key': 'value' } };
    const { ws } = await recorder(`${url}/path?a=b`, options);
    assert.equal(ws.protocol, 'two');
    assert.deepEqual(headers, ['value', '/path?a=b']);
    ws.terminate();
  });

  test('rejects when nobody is there, and when the server refuses', async (t) => {
    const { url } = await wsServer(t, { verifyClient: () => false });
    await assert.rejects(connectWebSocket(url), /HTTP\/1\.1 401 Unauthorized/);
    await assert.rejects(connectWebSocket('ws://127.0.0.1:1'), { code: 'ECONNREFUSED' });
    await assert.rejects(connectWebSocket('http://127.0.0.1:1'), /must begin with ws: or wss:/);
    const refusing = await startWs(t, echo, { accept: () => false });
    await assert.rejects(connectWebSocket(refusing.url), /403/);
    const slow = await startWs(t, echo, {
      accept: () => new Promise<boolean>((resolve) => setTimeout(resolve, 500, true)),
    });
    await assert.rejects(connectWebSocket(slow.url, {}, { timeout: 50 }), { name: 'TimeoutError' });
    const signal = AbortSignal.abort(new Error('no'));
    await assert.rejects(connectWebSocket(slow.url, {}, { signal }), /no/);
  });

  test('checks its options before it begins anything', async (t) => {
    const asked: unknown[] = [];
    const rig = await startWs(t, echo, { accept: (request) => asked.push(request.url) > 0 });
    for (const timeout of [-1, Number.NaN, 2 ** 31, '5' as never]) {
      await assert.rejects(connectWebSocket(rig.url, {}, { timeout }), RangeError, String(timeout));
    }
    const wrongNames = [['a\r\nX-Evil: b'], ['a b'], ['a,b'], [''], ['é'], ['a', 'a'], [1], 'a'];
    for (const protocols of wrongNames as never[]) {
      const what = JSON.stringify(protocols);
      await assert.rejects(connectWebSocket(rig.url, {}, { protocols }), RangeError, what);
      await assert.rejects(startWs(t, echo, { protocols }), RangeError, what);
    }
    const wrongHeaders = ['Upgrade', 'connection', 'Sec-WebSocket-Key', 'Content-Length'];
    for (const name of wrongHeaders) {
      const headers = { [name]: '1' };
      await assert.rejects(connectWebSocket(rig.url, {}, { headers }), TypeError, name);
    }
    const signal = {} as AbortSignal;
    await assert.rejects(connectWebSocket(rig.url, {}, { signal }), TypeError);
    assert.deepEqual(asked, []);
  });

  test('waits for ever when it is told to, and sends Host and text as they are', async (t) => {
    let seen: Headers | undefined;
    const rig = await startWs(t, echo, {
      accept(request) {
        seen = request.headers;
        return true;
      },
    });
    const headers = { Host: 'other.example', 'X-Text': 'caf\xe9' };
    const timeout = Number.POSITIVE_INFINITY;
    const ws = await connectWebSocket(rig.url, {}, { headers, timeout });
    assert.equal(seen?.get('host'), 'other.example');
    assert.equal(seen?.get('x-text'), 'caf\xe9');
    ws.terminate();
  });

  test('waits for the answer behind interim ones', async (t) => {
    const rig = await startWs(t, echo, {
      accept(_request, info) {
        info.earlyHints({ link: '</a.css>; rel=preload' });
        info.earlyHints({ link: '</b.css>; rel=preload' });
        return true;
      },
    });
    const { ws, seen } = await recorder(rig.url);
    ws.send('x');
    await waitUntil(() => seen.length === 2, 'the echo');
    ws.terminate();
  });

  test('shares a loop between WebSockets whose TLS is the same, object or not', async (t) => {
    const rig = await startWs(t, echo);
    const opened = await Promise.all(
      [{}, { tls: { ca } }, { tls: { ca: `${ca}` } }, { tls: { ca: `${ca}\n` } }].map((options) =>
        connectWebSocket(rig.url, {}, options),
      ),
    );
    const [none, one, same, other] = opened.map(({ conn }) => conn.loop);
    assert.equal(one, same);
    assert.equal(new Set([none, one, other]).size, 3);
    for (const ws of opened) ws.terminate();
  });

  test('speaks TLS with wss:', async (t) => {
    const tls = { key: identity.key, cert: identity.cert };
    const rig = await startWs(t, echo, { tls });
    const url = rig.url.replace('ws:', 'wss:').replace('127.0.0.1', 'localhost');
    const { ws, seen } = await recorder(url, { tls: { ca } });
    ws.send('secret');
    await waitUntil(() => seen.length === 2, 'the echo');
    assert.deepEqual(seen, ['open', 'text secret']);
    ws.close();
    await waitUntil(() => seen.length === 3, 'close');
  });

  test('many at once', async (t) => {
    const rig = await startWs(t, echo);
    const all = await Promise.all(Array.from({ length: 20 }, () => recorder(rig.url)));
    for (const { ws } of all) ws.send('x');
    await waitUntil(() => all.every(({ seen }) => seen.length === 2), 'echoes');
    for (const { ws } of all) ws.close();
    await waitUntil(() => all.every(({ seen }) => seen.length === 3), 'closes');
    await waitUntil(() => rig.server.countConnections() === 0, 'the end');
  });
});

describe('compression', () => {
  const long = 'a text that repeats itself '.repeat(200);

  test('is agreed on as the client offers it, and not without an offer', async (t) => {
    const answerTo = async (offer: string, options: WebSocketServerOptions) => {
      const rig = await startWs(t, echo, options);
      const { head } = await rawWs(
        t,
        rig,
        offer === '' ? [] : [`Sec-WebSocket-Extensions: ${offer}`],
      );
      return /sec-websocket-extensions: (.*)\r/.exec(head)?.[1];
    };
    const p = 'permessage-deflate';
    const resets = `${p}; server_no_context_takeover; client_no_context_takeover`;
    const takeover = { deflate: { contextTakeover: true } };
    assert.equal(await answerTo('', { deflate: true }), undefined);
    assert.equal(await answerTo(p, {}), undefined);
    assert.equal(await answerTo(p, { deflate: true }), resets);
    assert.equal(await answerTo(`${p}; client_max_window_bits`, { deflate: true }), resets);
    assert.equal(await answerTo(`x-other, ${p}`, { deflate: true }), resets);
    const bits = `${p}; server_max_window_bits=10`;
    assert.equal(await answerTo(bits, { deflate: true }), `${resets}; server_max_window_bits=10`);
    assert.equal(await answerTo(bits, takeover), bits);
    assert.equal(await answerTo(p, takeover), p);
    const own = `${p}; server_no_context_takeover`;
    assert.equal(await answerTo(own, takeover), own);
    for (const bad of ['x=1', 'server_max_window_bits=8', 'server_max_window_bits=16', 'a; a']) {
      assert.equal(await answerTo(`${p}; ${bad}`, { deflate: true }), undefined, bad);
    }
    assert.equal(await answerTo(`${p}; server_max_window_bits=8, ${p}`, { deflate: true }), resets);
  });

  test('of long messages only, without a final block', async (t) => {
    const rig = await startWs(t, echo, { deflate: true });
    const { client } = await rawWs(t, rig, ['Sec-WebSocket-Extensions: permessage-deflate']);
    client.write(frame(0x81, 'short'));
    assert.equal((await client.readExactly(7)).toString('latin1'), '\x81\x05short');
    client.write(frame(0x81, long));
    const [first, length] = await client.readExactly(2);
    assert.equal(first, 0xc1);
    const payload = await client.readExactly(length as number);
    // With a final block inflating would end without what is behind it.
    const tail = Buffer.from([0, 0, 255, 255]);
    const whole = Buffer.concat([payload, tail, payload, tail]);
    const text = inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }).toString();
    assert.ok(text === long + long);
  });

  for (const contextTakeover of [false, true]) {
    test(`with ws on both sides, takeover: ${contextTakeover}`, async (t) => {
      const deflate = { contextTakeover, threshold: 100 };
      const perMessageDeflate = {
        threshold: 100,
        ...(!contextTakeover && { serverNoContextTakeover: true }),
      };
      const rig = await startWs(t, echo, { deflate });
      const client = await wsClient(t, rig.url, { perMessageDeflate });
      const { url } = await wsServer(t, { perMessageDeflate });
      const { ws, seen } = await recorder(url, { deflate });
      for (let count = 0; count < 30; count++) {
        const text = `${count} ${long.slice(count * 7)}`.slice(0, count % 3 === 0 ? 50 : 5_000);
        client.send(text);
        assert.equal(await nextMessage(client), `text ${text}`);
        client.send(Buffer.from(text));
        assert.equal(await nextMessage(client), `binary ${text}`);
        ws.send(text);
        await waitUntil(() => seen.at(-1) === `text ${text}`, 'the echo');
      }
      client.send('');
      assert.equal(await nextMessage(client), 'text ');
      ws.terminate();
    });
  }

  test('of what is broken or bursts its limit is refused', async (t) => {
    const rig = await startWs(t, echo, { deflate: true, maxMessageBytes: 100_000 });
    const lines = ['Sec-WebSocket-Extensions: permessage-deflate'];
    const refusal = async (bytes: Buffer): Promise<number> => {
      const { client } = await rawWs(t, rig, lines);
      client.write(bytes);
      return (await client.readUntilEnd()).readUInt16BE(2);
    };
    assert.equal(await refusal(frame(0xc2, Buffer.from([0xff, 0xff, 0xff]))), 1007);
    const whole = deflateRawSync('a message that is cut off', {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    for (const length of [2, 12, whole.length - 6]) {
      assert.equal(await refusal(frame(0xc2, whole.subarray(0, length))), 1007, String(length));
    }
    const bomb = await startWs(t, echo, { deflate: { threshold: 1 } });
    const client = await wsClient(t, bomb.url, { perMessageDeflate: { threshold: 1 } });
    client.send(Buffer.alloc(20_000_000));
    assert.equal(await closing(client), '1009 ');
    assert.equal(await refusal(Buffer.concat([frame(0x41, 'x'), frame(0xc0, 'x')])), 1002);
  });
});

/** Websockets of Python, which may not be there. */
async function pythonLack(): Promise<string | false> {
  if (missing('python3') !== false) return 'python3 is not installed';
  const { code } = await runClient('python3', ['-c', 'import websockets']);
  return code === 0 ? false : 'websockets is not installed for python3';
}

test('Python’s websockets: echoes, compression, a goodbye', {
  skip: await pythonLack(),
}, async (t) => {
  const rig = await startWs(t, echo, { deflate: true });
  const program = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1]) as ws:
        for text in ['', 'short', 'x' * 100000]:
            await ws.send(text); assert await ws.recv() == text
            await ws.send(text.encode()); assert await ws.recv() == text.encode()
        await (await ws.ping())
    print(ws.close_code)
asyncio.run(main())
`;
  const { stdout, stderr } = await runClient('python3', ['-c', program, rig.url]);
  assert.equal(`${stdout}${stderr}`, '1000\n');
});
