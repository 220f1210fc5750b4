import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { cut, everyByte } from 'gnet/testing';
import { badCases } from '../../testing/http-corpus.ts';
import { rawClient } from './raw-client.ts';
import { type RunningExample, spawnExample } from './spawn-example.ts';

const DATE = /Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/g;
const HOST = 'Host: example\r\n';

/** A request and every byte of its answer, with the date left out. */
interface Exchange {
  readonly request: string;
  readonly answer: string;
}

interface AnswerParts {
  readonly status?: string;
  readonly type?: string;
  readonly headers?: string;
  readonly body: string;
  readonly headOnly?: boolean;
}

function answer(parts: AnswerParts): string {
  const { status = '200 OK', type = 'text/plain', headers = '', body, headOnly = false } = parts;
  const start = `HTTP/1.1 ${status}\r\nServer: gnet\r\nDate\r\nContent-Type: ${type}\r\n${headers}`;
  return `${start}Content-Length: ${body.length}\r\n\r\n${headOnly ? '' : body}`;
}

const hello = 'Hello, World!';
const json = '{"message":"Hello, World!"}';
const octets = 'application/octet-stream';
const notAllowed = '405 Method Not Allowed\n';
const big = 'x'.repeat(70_000);

const exchanges: readonly Exchange[] = [
  { request: `GET /plaintext HTTP/1.1\r\n${HOST}\r\n`, answer: answer({ body: hello }) },
  {
    request: `GET http://a:1/plaintext?x=/json HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ body: hello }),
  },
  {
    request: `HEAD /plaintext HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ body: hello, headOnly: true }),
  },
  {
    request: `GET /json HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ type: 'application/json', body: json }),
  },
  {
    request: `HEAD /json HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ type: 'application/json', body: json, headOnly: true }),
  },
  {
    request: `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
    answer: answer({ type: octets, body: 'hello' }),
  },
  {
    request: `POST /echo HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ type: octets, body: '' }),
  },
  {
    request:
      `POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
      '3;a=b\r\nabc\r\n04\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n',
    answer: answer({ type: octets, body: 'abcdefg' }),
  },
  {
    request: `GET /plaintex HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ status: '404 Not Found', body: '404 Not Found\n' }),
  },
  {
    request: `GET /plaintext/ HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ status: '404 Not Found', body: '404 Not Found\n' }),
  },
  {
    request: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ headers: 'Allow: GET, HEAD, POST, OPTIONS\r\n', body: '' }),
  },
  {
    request: `OPTIONS http://a HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ headers: 'Allow: GET, HEAD, POST, OPTIONS\r\n', body: '' }),
  },
  {
    request: `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ status: '501 Not Implemented', body: '501 Not Implemented\n' }),
  },
  ...['/', '/?a=/json', 'http://a', 'http://a?b=/json', 'http://a/'].map((target) => ({
    request: `GET ${target} HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({ body: hello }),
  })),
  {
    request: `DELETE /json HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nhi`,
    answer: answer({
      status: '405 Method Not Allowed',
      headers: 'Allow: GET, HEAD\r\n',
      body: notAllowed,
    }),
  },
  {
    request: `GET /echo HTTP/1.1\r\n${HOST}\r\n`,
    answer: answer({
      status: '405 Method Not Allowed',
      headers: 'Allow: POST\r\n',
      body: notAllowed,
    }),
  },
  {
    request: 'GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    answer: answer({ headers: 'Connection: keep-alive\r\n', body: hello }),
  },
];

const bigExchange: Exchange = {
  request: `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ${big.length}\r\n\r\n${big}`,
  answer: answer({ type: octets, body: big }),
};

const lastExchanges: readonly Exchange[] = [
  {
    request: 'GET /plaintext HTTP/1.0\r\n\r\n',
    answer: answer({ headers: 'Connection: close\r\n', body: hello }),
  },
  {
    request: `GET /json HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
    answer: answer({ type: 'application/json', headers: 'Connection: close\r\n', body: json }),
  },
];

let example: RunningExample;

async function exchange(pieces: readonly Buffer[], expected: string): Promise<void> {
  const client = await rawClient(example.port);
  await client.send(pieces);
  const received = (await client.receiveAll()).toString('latin1');
  client.close();
  assert.equal(received.replace(DATE, 'Date\r\n'), expected);
}

describe('examples/http.ts', () => {
  before(async () => {
    example = await spawnExample('examples/http.ts');
  });
  after(async () => {
    assert.equal(await example.stop(), 0);
    assert.equal(example.output(), `${example.line}\n`);
  });

  for (const last of lastExchanges) {
    const all = [...exchanges, bigExchange, last];
    const bytes = Buffer.from(all.map((one) => one.request).join(''), 'latin1');
    const expected = all.map((one) => one.answer).join('');

    test(`answers a pipeline byte for byte, up to ${JSON.stringify(last.request)}`, async () => {
      await exchange([bytes], expected);
      // Nothing is answered after the last one.
      await exchange([Buffer.concat([bytes, bytes])], expected);
    });
  }

  test('answers a pipeline that comes byte by byte', async () => {
    const all = [...exchanges, lastExchanges[0] as Exchange];
    const bytes = Buffer.from(all.map((one) => one.request).join(''), 'latin1');
    await exchange(everyByte(bytes), all.map((one) => one.answer).join(''));
  });

  test('answers pipelines that are cut anywhere, byte for byte', async () => {
    const streams = fc.array(fc.constantFrom(...exchanges, bigExchange), { maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(
        streams,
        fc.array(fc.nat(4_000), { maxLength: 6 }),
        fc.constantFrom(...lastExchanges),
        async (some, places, last) => {
          const all = [...some, last];
          const bytes = Buffer.from(all.map((one) => one.request).join(''), 'latin1');
          await exchange(cut(bytes, places), all.map((one) => one.answer).join(''));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('answers what is malformed with its status, after what came before, and closes', async () => {
    const first = exchanges[0] as Exchange;
    for (const one of badCases) {
      const client = await rawClient(example.port);
      await client.send([first.request, one.bytes]);
      const received = (await client.receiveAll()).toString('latin1').replace(DATE, 'Date\r\n');
      client.close();
      assert.ok(received.startsWith(first.answer), one.name);
      const rest = received.slice(first.answer.length);
      assert.match(rest, new RegExp(`^HTTP/1.1 ${one.status} `), one.name);
      assert.match(rest, /\r\nConnection: close\r\n/, one.name);
    }
  });

  test('a client that reads only after it has sent everything gets every byte', async () => {
    const last = lastExchanges[0] as Exchange;
    const count = 150;
    const client = await rawClient(example.port);
    client.pause();
    await client.send([bigExchange.request.repeat(count), last.request]);
    // Long enough for the server to fill its buffers and pause; nothing depends on it.
    await setTimeout(200);
    client.resume();
    const received = (await client.receiveAll()).toString('latin1').replace(DATE, 'Date\r\n');
    client.close();
    assert.ok(received === bigExchange.answer.repeat(count) + last.answer);
  });

  test('says 100 Continue to a client that waits for it, and takes the body then', async () => {
    const client = await rawClient(example.port);
    const head = `POST /echo HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
    const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
    await client.send([(exchanges[0] as Exchange).request, head]);
    const before = (exchanges[0] as Exchange).answer.replace('Date\r\n', `${'D'.repeat(37)}`);
    await client.receive(before.length + goOn.length);
    await client.send(['bo', 'dy', (lastExchanges[0] as Exchange).request]);
    const received = (await client.receiveAll()).toString('latin1');
    client.close();
    const expected = [
      (exchanges[0] as Exchange).answer,
      goOn,
      answer({ type: octets, body: 'body' }),
      (lastExchanges[0] as Exchange).answer,
    ];
    assert.equal(received.replace(DATE, 'Date\r\n'), expected.join(''));
  });

  test('a client that is gone in the middle of a request leaves the others alone', async () => {
    const gone = await rawClient(example.port);
    await gone.send([`POST /echo HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhe`]);
    gone.close();
    const last = lastExchanges[0] as Exchange;
    await exchange([Buffer.from(last.request)], last.answer);
  });
});
