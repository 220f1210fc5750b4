/** What clients see of a WebSocket server, frame by frame. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { serveHttp } from 'gnet/http';
import { prepareMessage, serveWebSocket, upgrade, type WebSocketConn } from 'gnet/websocket';
import type { TestScope } from '../support/rig.ts';
import { block, blockTimers } from '../support/block.ts';
import { cut, everyByte } from 'gnet/testing';
import { waitUntil } from '../support/wait-until.ts';
import { closing, frame, nextMessage, rawWs, startWs, wsClient, type WsRig } from './ws-rig.ts';

const echo = { message: (_ws: WebSocketConn, data: Buffer) => data };

/** What a server sends as the last: the Close frame with its code, and the end. */
async function refusal(t: TestScope, rig: WsRig, ...frames: Buffer[]): Promise<number> {
  const { client } = await rawWs(t, rig);
  client.write(Buffer.concat(frames));
  const bytes = await client.readUntilEnd();
  assert.equal(bytes[0], 0x88);
  return bytes.readUInt16BE(2);
}

describe('the handshake', () => {
  test('is answered with the key, the protocol and no extension', async (t) => {
    const rig = await startWs(t, echo, { protocols: ['two', 'one'] });
    const { head } = await rawWs(t, rig, ['Sec-WebSocket-Protocol: one, two, three']);
    assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    assert.match(head, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    assert.match(head, /\r\nupgrade: websocket\r\n/i);
    assert.match(head, /\r\nconnection: upgrade\r\n/i);
    assert.match(head, /\r\nsec-websocket-protocol: two\r\n/);
    assert.doesNotMatch(head, /extensions|content-length/i);
  });

  test('that is none is refused with its status', async (t) => {
    const rig = await startWs(t, echo);
    const url = `http://${rig.server.addr}/`;
    const plain = await fetch(url);
    assert.equal(`${plain.status} ${plain.headers.get('upgrade')}`, '426 websocket');
    const refused: readonly [number, readonly string[]][] = [
      [426, ['Sec-WebSocket-Version: 8']],
      [400, ['Sec-WebSocket-Key: short']],
    ];
    for (const [status, lines] of refused) {
      const name = (lines[0] as string).split(':')[0] as string;
      const { head } = await rawWs(t, rig, lines).catch(() => ({ head: '' }));
      // The header is there twice then, which is no version and no key either.
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), name);
    }
  });

  test('may be refused by the program, which may give the data, too', async (t) => {
    const seen: unknown[] = [];
    const rig = await startWs<{ name: string }>(
      t,
      { open: (ws) => void seen.push(ws.data.name) },
      {
        accept: (request) => {
          const origin = request.headers.get('origin');
          if (origin === 'http://bad') return false;
          if (origin === null) return new Response('who are you?', { status: 401 });
          return { data: { name: origin } };
        },
      },
    );
    const status = async (headers: Record<string, string>) => {
      const opening = wsClient(t, rig.url, { headers });
      return opening.then(
        () => 101,
        (error: Error) => Number(/\d{3}/.exec(error.message)?.[0]),
      );
    };
    assert.equal(await status({ origin: 'http://bad' }), 403);
    assert.equal(await status({}), 401);
    assert.equal(await status({ origin: 'http://good' }), 101);
    assert.deepEqual(seen, ['http://good']);
  });
});

describe('messages', () => {
  test('come back as they were, of every length and both kinds', async (t) => {
    const rig = await startWs(t, echo);
    const client = await wsClient(t, rig.url);
    for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1_000_000]) {
      const text = 'x'.repeat(length);
      client.send(text);
      assert.equal(await nextMessage(client), `text ${text}`);
      client.send(Buffer.from(text));
      assert.equal(await nextMessage(client), `binary ${text}`);
    }
  });

  test('in fragments, with a ping in between, cut anywhere', async (t) => {
    const pongs: string[] = [];
    const rig = await startWs(t, { ...echo, pong: (_ws, data) => void pongs.push(String(data)) });
    const stream = Buffer.concat([
      frame(0x01, 'on'),
      frame(0x89, 'ping'),
      frame(0x00, ''),
      frame(0x8a, 'pong'),
      frame(0x80, 'e'),
      frame(0x82, 'two'),
      frame(0x88, '\x03\xe8bye'),
    ]);
    const answer = Buffer.from('\x8a\x04ping\x81\x03one\x82\x03two\x88\x02\x03\xe8', 'latin1');
    const ways = [[stream], everyByte(stream)];
    for (let place = 1; place < stream.length; place += 5) ways.push(cut(stream, [place]));
    for (const pieces of ways) {
      const { client } = await rawWs(t, rig);
      for (const piece of pieces) await client.send(piece);
      assert.deepEqual(await client.readUntilEnd(), answer);
    }
    assert.ok(pongs.every((text) => text === 'pong'));
  });

  test('that arrive together are answered in order, also by promise', async (t) => {
    const rig = await startWs(t, {
      message: async (_ws, data, isText) => {
        const copy = data.toString();
        await new Promise((resolve) => setTimeout(resolve, 1));
        return `${isText} ${copy} ${data.toString()}`;
      },
    });
    const client = await wsClient(t, rig.url);
    for (let count = 0; count < 20; count++) client.send(`${count}`);
    for (let count = 0; count < 20; count++) {
      assert.equal(await nextMessage(client), `text true ${count} ${count}`);
    }
  });

  test('whose answer is a promise is answered in its kind and before a close frame, whatever is sent meanwhile', async (t) => {
    /** So many microtasks after the message. */
    let distance = 0;
    let meanwhile = (_ws: WebSocketConn): void => {};
    const rig = await startWs(t, {
      message(ws) {
        const answer = Promise.resolve(Buffer.from('answer'));
        const other = async (): Promise<void> => {
          for (let left = distance; left > 0; left--) await null;
          meanwhile(ws);
        };
        void other();
        return answer;
      },
    });
    const answer = '\x82\x06answer';
    const goodbye = '\x88\x02\x03\xe8';
    for (distance = 0; distance < 8; distance++) {
      meanwhile = (ws) => ws.send('text');
      const { client } = await rawWs(t, rig);
      client.write(frame(0x82, 'a'));
      const both = (await client.readExactly(14)).toString('latin1');
      assert.ok([`${answer}\x81\x04text`, `\x81\x04text${answer}`].includes(both), both);
      meanwhile = (ws) => ws.close();
      client.write(Buffer.concat([frame(0x82, 'a'), frame(0x88, '\x03\xe8')]));
      const last = (await client.readUntilEnd()).toString('latin1');
      assert.ok([goodbye, answer + goodbye].includes(last), last);
    }
  });

  test('are sent at any time: strings, bytes, text in bytes, prepared', async (t) => {
    const rig = await startWs(t, {
      open(ws) {
        assert.equal(ws.send('täxt'), true);
        ws.send(Buffer.from('bytes'));
        ws.send(Buffer.from('text'), { text: true });
        ws.send(prepareMessage('prepared'));
        ws.send(prepareMessage(Buffer.from('prepared')));
        setImmediate(() => ws.send('later'));
      },
    });
    const { client } = await rawWs(t, rig);
    const expected = `\x81\x05t\xc3\xa4xt\x82\x05bytes\x81\x04text\x81\x08prepared\x82\x08prepared\x81\x05later`;
    const bytes = await client.readExactly(expected.length);
    assert.equal(bytes.toString('latin1'), expected);
  });

  test('a slow reader is told, and drain follows', async (t) => {
    let drained = 0;
    let isFull = false;
    let flushed = 0;
    const rig = await startWs(
      t,
      {
        message(ws) {
          // More than what the system of the client takes while nobody reads.
          for (let count = 0; count < 1_000; count++) isFull = !ws.send(Buffer.alloc(10_000));
          assert.ok(ws.bufferedAmount > 0);
          void ws.flushed().then(() => flushed++);
        },
        drain: () => void drained++,
      },
      { highWaterMark: 100_000, lowWaterMark: 10_000 },
    );
    const { client } = await rawWs(t, rig);
    client.pauseReading();
    client.write(frame(0x81, 'go'));
    await waitUntil(() => isFull, 'the mark');
    assert.equal(drained + flushed, 0);
    client.resumeReading();
    await waitUntil(() => drained === 1 && flushed === 1, 'drain, and everything is out');
  });
});

describe('what breaks the rules', () => {
  const cases: readonly [number, string, Buffer[]][] = [
    [1002, 'no mask', [Buffer.from([0x81, 0x01, 0x61])]],
    [1002, 'a reserved bit', [frame(0xc1, 'x')]],
    [1002, 'another reserved bit', [frame(0xa1, 'x')]],
    [1002, 'an unknown opcode', [frame(0x83, 'x')]],
    [1002, 'an unknown control opcode', [frame(0x8b, 'x')]],
    [1002, 'a continuation of nothing', [frame(0x80, 'x')]],
    [1002, 'a message inside another', [frame(0x01, 'x'), frame(0x81, 'x')]],
    [1002, 'a ping in fragments', [frame(0x09, 'x')]],
    [1002, 'a long ping', [frame(0x89, 'x'.repeat(126))]],
    [1002, 'a short ping in the form of a long one', [Buffer.from([0x89, 0xfe, 0, 0, 0, 0, 0, 0])]],
    [1002, 'a Close of one byte', [frame(0x88, 'x')]],
    [1002, 'a Close code that is none', [frame(0x88, '\x03\xed')]],
    [1007, 'a Close reason that is no UTF-8', [frame(0x88, '\x03\xe8\xff')]],
    [1007, 'text that is no UTF-8', [frame(0x81, '\xff')]],
    [1007, 'text that ends in a character', [frame(0x81, '\xc3')]],
    [1007, 'a cut character that cannot go on', [frame(0x01, '\xf4\x90')]],
    [1007, 'fragments that are no UTF-8', [frame(0x01, '\xc3'), frame(0x00, '\x28')]],
    [1007, 'a text in fragments that ends early', [frame(0x01, 'a\xe2\x82'), frame(0x80, '')]],
    [1009, 'a long message', [frame(0x82, '', 2_000_000)]],
    [1009, 'a length beyond numbers', [Buffer.from([0x82, 0xff, ...Array(12).fill(0xff)])]],
    [1009, 'many fragments', [frame(0x02, Buffer.alloc(600_000)), frame(0x00, '', 600_000)]],
  ];
  for (const [code, name, frames] of cases) {
    test(`${code}: ${name}`, async (t) => {
      const closes: string[] = [];
      const handler = {
        ...echo,
        close: (_ws: WebSocketConn, closeCode: number) => void closes.push(`${closeCode}`),
      };
      const rig = await startWs(t, handler, { maxMessageBytes: 1_000_000, pingInterval: 0 });
      assert.equal(await refusal(t, rig, ...frames), code);
      await waitUntil(() => closes.length === 1, 'close');
      assert.deepEqual(closes, [`${code}`]);
    });
  }

  test('characters that are cut by fragments are whole', async (t) => {
    const rig = await startWs(t, echo);
    const client = await wsClient(t, rig.url);
    const text = Buffer.from('κόσμε €\u{10ffff}');
    for (let place = 1; place < text.length; place++) {
      client.send(text.subarray(0, place), { fin: false, binary: false });
      client.send(text.subarray(place), { fin: true });
      assert.equal(await nextMessage(client), `text ${text.toString('latin1')}`);
    }
  });
});

describe('goodbyes', () => {
  test('of the client are answered, and the server ends the connection', async (t) => {
    const closes: string[] = [];
    const rig = await startWs(t, {
      close: (_ws, code, reason) => void closes.push(`${code} ${reason}`),
    });
    for (const [payload, answer, seen] of [
      ['\x0f\xa0why', '\x88\x02\x0f\xa0', '4000 why'],
      ['', '\x88\x00', '1005 '],
    ] as const) {
      const { client } = await rawWs(t, rig);
      client.write(frame(0x88, payload));
      assert.equal((await client.readUntilEnd()).toString('latin1'), answer);
      client.end();
      await waitUntil(() => closes.at(-1) === seen, seen);
    }
    const { client } = await rawWs(t, rig);
    client.destroy();
    await waitUntil(() => closes.at(-1) === '1006 ', 'without a word');
  });

  test('of the server arrive behind what was sent before', async (t) => {
    const closes: number[] = [];
    const rig = await startWs(t, {
      message(ws) {
        ws.send('last');
        ws.close(4001, 'enough');
        assert.equal(ws.isOpen, false);
        assert.equal(ws.send('more'), false);
      },
      close: (_ws, code) => void closes.push(code),
    });
    const client = await wsClient(t, rig.url);
    client.send('x');
    client.send('nobody hears this');
    const end = closing(client);
    assert.equal(await nextMessage(client), 'text last');
    assert.equal(await end, '4001 enough');
    await waitUntil(() => closes.length === 1, 'close');
    assert.deepEqual(closes, [4001]);
  });

  test('that nobody answers end after a while', async (t) => {
    const closes: number[] = [];
    const rig = await startWs(
      t,
      { open: (ws) => ws.close(), close: (_ws, code) => void closes.push(code) },
      { closeTimeout: 50 },
    );
    const { client } = await rawWs(t, rig);
    assert.equal((await client.readUntilEnd()).toString('latin1'), '\x88\x02\x03\xe8');
    client.end();
    await waitUntil(() => closes.length === 1, 'close');
    assert.deepEqual(closes, [1006]);
  });

  test('that came while the thread was blocked were said in time', async (t) => {
    const closes: number[] = [];
    const rig = await startWs(
      t,
      { open: (ws) => ws.close(), close: (_ws, code) => void closes.push(code) },
      { closeTimeout: 500 },
    );
    const { client } = await rawWs(t, rig);
    await client.readExactly(4);
    blockTimers(() => client.write(frame(0x88, '\x03\xe8')), 800);
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => closes.length === 1, 'close');
    assert.deepEqual(closes, [1000]);
  });

  test('with codes and reasons that cannot be sent throw', async (t) => {
    let isChecked = false;
    const rig = await startWs(t, {
      open(ws) {
        for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5]) {
          assert.throws(() => ws.close(code), RangeError, String(code));
        }
        assert.throws(() => ws.close(1000, 'x'.repeat(124)), RangeError);
        assert.throws(() => ws.ping('x'.repeat(126)), RangeError);
        isChecked = true;
      },
    });
    await wsClient(t, rig.url);
    assert.equal(isChecked, true);
  });

  test('of a server that stops', async (t) => {
    const rig = await startWs(t, echo);
    const client = await wsClient(t, rig.url);
    const end = closing(client);
    await rig.server.stop();
    assert.equal(await end, '1001 ');
  });
});

test('a handler that throws or rejects closes with 1011, and the server goes on', async (t) => {
  const rig = await startWs(t, {
    message(_ws, data) {
      if (String(data) === 'later') return Promise.reject(new Error('rejected'));
      throw new Error('thrown');
    },
  });
  for (const text of ['now', 'later']) {
    const client = await wsClient(t, rig.url);
    const end = closing(client);
    client.send(text);
    assert.equal(await end, '1011 ');
  }
  const throwing = await startWs(t, {
    open() {
      throw new Error('thrown in open');
    },
  });
  const client = await wsClient(t, throwing.url);
  assert.equal(await closing(client), '1011 ');
  assert.equal((throwing.errors[0] as Error).message, 'thrown in open');
});

describe('an answer to a ping that came while the thread was blocked counts', () => {
  for (const [length, ms] of [
    ['for longer than the peer has', 500],
    ['until the next look was due', 180],
  ] as const) {
    test(length, async (t) => {
      const rig = await startWs(t, echo, { pingInterval: 150 });
      const client = await wsClient(t, rig.url);
      // `ws` has answered when it tells of a ping.
      client.once('ping', () => block(ms));
      await once(client, 'ping');
      await once(client, 'ping');
      client.send('still here');
      assert.equal(await nextMessage(client), 'text still here');
    });
  }
});

test('who is silent is pinged, and who does not answer is gone', async (t) => {
  const closes: number[] = [];
  const rig = await startWs(
    t,
    { close: (_ws, code) => void closes.push(code) },
    { pingInterval: 30 },
  );
  const alive = await wsClient(t, rig.url);
  let pings = 0;
  alive.on('ping', () => pings++);
  const { client: dead } = await rawWs(t, rig);
  await dead.untilClosed();
  await waitUntil(() => pings > 3, 'pings');
  assert.equal(alive.readyState, alive.OPEN);
  assert.deepEqual(closes, [1006]);
});

describe('inside a server of gnet/http', () => {
  test('requests and WebSockets share a port', async (t) => {
    const server = await serveHttp(
      {
        fetch: (request) =>
          new URL(request.url).pathname === '/ws'
            ? upgrade(request, echo, { data: 1 })
            : new Response('plain'),
      },
      'tcp://127.0.0.1:0',
    );
    t.after(() => server.close());
    const client = await wsClient(t, `ws://${server.addr}/ws`);
    client.send('over');
    assert.equal(await nextMessage(client), 'text over');
    assert.equal(await (await fetch(`http://${server.addr}/`)).text(), 'plain');
    client.close();
    await once(client, 'close');
  });

  test('the runtime’s own client talks to it', {
    skip: !('WebSocket' in globalThis),
  }, async (t) => {
    const rig = await startWs(t, echo, { deflate: true });
    const client = new globalThis.WebSocket(rig.url);
    await once(client, 'open');
    client.send('hello');
    const [event] = (await once(client, 'message')) as [MessageEvent];
    assert.equal(event.data, 'hello');
    client.close(4000, 'bye');
    const [end] = (await once(client, 'close')) as [CloseEvent];
    assert.equal(end.code, 4000);
  });
});

test('options that are wrong are refused', async () => {
  for (const options of [
    { maxMessageBytes: 0 },
    { pingInterval: -1 },
    { closeTimeout: Number.NaN },
  ]) {
    await assert.rejects(serveWebSocket(echo, 'tcp://127.0.0.1:0', options), RangeError);
  }
});
