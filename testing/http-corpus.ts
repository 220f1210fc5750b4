/** Streams of HTTP requests and what a server must make of them. */
import fc from 'fast-check';
import { cut } from 'gnet/testing';

export interface ExpectedRequest {
  readonly method: string;
  readonly target: string;
  readonly keepAlive?: boolean;
  readonly body?: string;
}

export interface HttpCase {
  readonly name: string;
  readonly bytes: Buffer;
  readonly requests: readonly ExpectedRequest[];
  /** The status that ends the stream, when its bytes are malformed. */
  readonly status?: number;
}

function good(name: string, text: string, ...requests: ExpectedRequest[]): HttpCase {
  return { name, bytes: Buffer.from(text, 'latin1'), requests };
}

function bad(status: number, name: string, text: string): HttpCase {
  return { name, bytes: Buffer.from(text, 'latin1'), requests: [], status };
}

const H = 'Host: example\r\n';
const get = (target: string): ExpectedRequest => ({ method: 'GET', target });

export const goodCases: readonly HttpCase[] = [
  good('a plain GET', `GET /plaintext HTTP/1.1\r\n${H}\r\n`, get('/plaintext')),
  good('a query', `GET /json?a=b&c=/d HTTP/1.1\r\n${H}\r\n`, get('/json?a=b&c=/d')),
  good('an absolute target', `GET http://h:1/json HTTP/1.1\r\n${H}\r\n`, get('http://h:1/json')),
  good('empty lines before it', `\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`, get('/')),
  good('HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', { ...get('/'), keepAlive: false }),
  good(
    'HTTP/1.0 that stays',
    'GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n',
    get('/a'),
    { ...get('/b'), keepAlive: false },
  ),
  good(
    'close in a list, and nothing after it',
    `GET /a HTTP/1.1\r\n${H}Connection: foo,\t CLOSE ,bar\r\n\r\nGET /b HTTP/1.1\r\n${H}\r\n`,
    { ...get('/a'), keepAlive: false },
  ),
  good(
    'three in a pipeline',
    `GET /1 HTTP/1.1\r\n${H}\r\nHEAD /2 HTTP/1.1\r\n${H}\r\nPUT /3 HTTP/1.1\r\n${H}\r\n`,
    get('/1'),
    { method: 'HEAD', target: '/2' },
    { method: 'PUT', target: '/3' },
  ),
  good(
    'a body with its length, then another request',
    `POST /echo HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\nhelloGET /x HTTP/1.1\r\n${H}\r\n`,
    { method: 'POST', target: '/echo', body: 'hello' },
    get('/x'),
  ),
  good(
    'the same length twice, padded',
    `POST /e HTTP/1.1\r\n${H}content-LENGTH:\t 3 \r\nContent-Length: 003\r\n\r\nabc`,
    { method: 'POST', target: '/e', body: 'abc' },
  ),
  good('an empty body', `POST /e HTTP/1.1\r\n${H}Content-Length: 0\r\n\r\n`, {
    method: 'POST',
    target: '/e',
  }),
  good(
    'chunks with extensions and trailers, then another request',
    `POST /echo HTTP/1.1\r\n${H}Transfer-Encoding: Chunked\r\n\r\n` +
      '5;name=value ; q\t=  "a \\" b";x\r\nhello\r\n00000a\r\n, chunked!\r\n0\r\nX-Sum: 1\r\nY: \xe4\r\n\r\n' +
      `GET /x HTTP/1.1\r\n${H}\r\n`,
    { method: 'POST', target: '/echo', body: 'hello, chunked!' },
    get('/x'),
  ),
  good(
    'an empty chunked body',
    `POST /e HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    { method: 'POST', target: '/e' },
  ),
  good(
    'bodies in a pipeline, one with 100-continue',
    `POST /1 HTTP/1.1\r\n${H}Expect: 100-Continue\r\nContent-Length: 2\r\n\r\nab` +
      `POST /2 HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n` +
      `POST /3 HTTP/1.1\r\n${H}Content-Length: 2\r\n\r\nef`,
    { method: 'POST', target: '/1', body: 'ab' },
    { method: 'POST', target: '/2', body: 'cd' },
    { method: 'POST', target: '/3', body: 'ef' },
  ),
  good(
    'empty elements in a list of codings',
    `POST /e HTTP/1.1\r\n${H}Transfer-Encoding: , chunked ,\t,\r\n\r\n1\r\na\r\n0\r\n\r\n` +
      `POST /f HTTP/1.1\r\n${H}Transfer-Encoding:\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n`,
    { method: 'POST', target: '/e', body: 'a' },
    { method: 'POST', target: '/f' },
  ),
  good('asterisk for OPTIONS', `OPTIONS * HTTP/1.1\r\n${H}\r\n`, {
    method: 'OPTIONS',
    target: '*',
  }),
  good('a host with a port for CONNECT', `CONNECT h:443 HTTP/1.1\r\n${H}\r\n`, {
    method: 'CONNECT',
    target: 'h:443',
  }),
  good(
    'absolute targets without a path',
    `GET http://x?a=/plaintext HTTP/1.1\r\n${H}\r\nGET http://[::1]:80 HTTP/1.1\r\n${H}\r\n`,
    get('http://x?a=/plaintext'),
    get('http://[::1]:80'),
  ),
  ...['a', 'a:', 'a:80', '127.0.0.1:1', '[::1]', '[fe80::1]:80', 'a%20b', "!$&'()*+,;=", ''].map(
    (host) => good(`the host '${host}'`, `GET / HTTP/1.1\r\nHost: \t${host} \r\n\r\n`, get('/')),
  ),
  good('many headers', `GET / HTTP/1.1\r\n${H}${'X: 1\r\n'.repeat(199)}\r\n`, get('/')),
  good(
    'odd but allowed headers',
    `GET / HTTP/1.1\r\nHOST:\r\nX!#$%&'*+-.^_\`|~9: \t a\tb \xff\r\nEmpty:\r\n\r\n`,
    get('/'),
  ),
];

const POST = `POST /echo HTTP/1.1\r\n${H}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

export const badCases: readonly HttpCase[] = [
  bad(400, 'a bare LF after the request line', `GET / HTTP/1.1\n${H}\r\n`),
  bad(400, 'a bare LF after a header', 'GET / HTTP/1.1\r\nHost: a\n\r\n'),
  bad(400, 'a bare CR in a value', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n'),
  bad(400, 'a bare LF as the empty line', `GET / HTTP/1.1\r\n${H}\n`),
  bad(400, 'a CR before something else', '\rGET / HTTP/1.1\r\n'),
  bad(400, 'a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n'),
  bad(400, 'a blank before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'),
  bad(400, 'a header without a name', 'GET / HTTP/1.1\r\n: a\r\n\r\n'),
  bad(400, 'a header without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n'),
  bad(400, 'a bad character in a name', 'GET / HTTP/1.1\r\nHo(st: a\r\n\r\n'),
  bad(400, 'a folded line', `GET / HTTP/1.1\r\n${H} folded\r\n\r\n`),
  bad(400, 'a folded first line', 'GET / HTTP/1.1\r\n\tHost: a\r\n\r\n'),
  bad(400, 'no host', 'GET / HTTP/1.1\r\n\r\n'),
  ...[
    'a b',
    'a/b',
    'u@a',
    'a:b',
    'a:1:2',
    ':80',
    '::1',
    '[]',
    '[::1',
    '[a/b]',
    '[::1]x',
    'a%2',
  ].map((host) => bad(400, `the host '${host}'`, `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)),
  ...[
    '*',
    'p',
    '*/a',
    'h:80',
    'http:',
    'http:/a',
    'http://',
    'http:///a',
    'http://u@a/',
    '1://a',
  ].map((target) => bad(400, `GET ${target}`, `GET ${target} HTTP/1.1\r\n${H}\r\n`)),
  bad(400, 'CONNECT without a port', `CONNECT h HTTP/1.1\r\n${H}\r\n`),
  bad(400, 'CONNECT without digits', `CONNECT h: HTTP/1.1\r\n${H}\r\n`),
  bad(400, 'OPTIONS of two asterisks', `OPTIONS ** HTTP/1.1\r\n${H}\r\n`),
  bad(400, 'two hosts', `GET / HTTP/1.1\r\n${H}${H}\r\n`),
  bad(
    400,
    'both kinds of length',
    `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ),
  bad(400, 'both, the other way', `${POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n`),
  bad(400, 'two different lengths', `${POST}Content-Length: 3\r\nContent-Length: 4\r\n\r\n`),
  bad(400, 'a list of lengths', `${POST}Content-Length: 3, 3\r\n\r\n`),
  bad(400, 'a signed length', `${POST}Content-Length: +3\r\n\r\n`),
  bad(400, 'a negative length', `${POST}Content-Length: -3\r\n\r\n`),
  bad(400, 'a length in hexadecimal', `${POST}Content-Length: 0x3\r\n\r\n`),
  bad(400, 'an empty length', `${POST}Content-Length:  \r\n\r\n`),
  bad(
    400,
    'chunked twice',
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ),
  bad(400, 'chunks in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'),
  bad(400, 'a coding after chunks', `${POST}Transfer-Encoding: chunked, gzip\r\n\r\n`),
  bad(400, 'a list without a coding', `${POST}Transfer-Encoding: ,\r\n\r\n`),
  bad(
    400,
    'a list without one, and a length',
    `${POST}Transfer-Encoding:\r\nContent-Length: 1\r\n\r\n`,
  ),
  ...[
    '1 x',
    '1\tff',
    '1 ',
    '1\t',
    '2;',
    '1;;=',
    '1;a=',
    '1;a=b ',
    '1;a="b',
    '1;a="b"c',
    '1;=b',
    '1;a b',
    '1;a ',
    '1;"a"',
  ].map((line) => bad(400, `the chunk line '${line}'`, `${CHUNKED}${line}\r\na\r\n`)),
  bad(501, 'an unknown coding', `${POST}Transfer-Encoding: gzip\r\n\r\n`),
  bad(501, 'a list of codings', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n`),
  bad(417, 'an unknown expectation', `${POST}Expect: magic\r\nContent-Length: 1\r\n\r\n`),
  bad(400, 'a method that is none', 'GE(T / HTTP/1.1\r\n'),
  bad(501, 'a method without end', `${'A'.repeat(30)} / HTTP/1.1\r\n`),
  bad(400, 'TLS instead of HTTP', '\x16\x03\x01\x02\x00'),
  bad(400, 'no target', 'GET  HTTP/1.1\r\n'),
  bad(400, 'a control character in the target', 'GET /\x01 HTTP/1.1\r\n'),
  bad(400, 'a byte above ASCII in the target', 'GET /\xe4 HTTP/1.1\r\n'),
  bad(400, 'no version', 'GET /\r\n'),
  bad(400, 'a version in small letters', 'GET / http/1.1\r\n'),
  bad(400, 'more after the version', 'GET / HTTP/1.1 \r\n'),
  bad(505, 'another version', 'GET / HTTP/2.0\r\n'),
  bad(400, 'empty lines for ever', '\r\n'.repeat(9)),
  bad(414, 'a long target', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\n`),
  bad(431, 'a long header', `GET / HTTP/1.1\r\nX: ${'a'.repeat(17_000)}\r\n`),
  bad(431, 'a long header name', `GET / HTTP/1.1\r\n${'a'.repeat(17_000)}: b\r\n`),
  bad(431, 'a long padding', `GET / HTTP/1.1\r\nX:${' '.repeat(17_000)}b\r\n`),
  bad(431, 'many headers', `GET / HTTP/1.1\r\n${'X: 1\r\n'.repeat(201)}\r\n`),
  bad(413, 'a long body', `${POST}Content-Length: 1048577\r\n\r\n`),
  bad(413, 'a length beyond numbers', `${POST}Content-Length: ${'9'.repeat(400)}\r\n\r\n`),
  bad(413, 'a long chunk', `${CHUNKED}100001\r\n`),
  bad(413, 'a chunk beyond numbers', `${CHUNKED}${'f'.repeat(300)}\r\n`),
  bad(400, 'a chunk without size', `${CHUNKED}\r\n`),
  bad(400, 'a chunk with a bad size', `${CHUNKED}5g\r\n`),
  bad(400, 'a signed chunk size', `${CHUNKED}-5\r\n`),
  bad(400, 'a bare LF after a chunk size', `${CHUNKED}5\nhello`),
  bad(400, 'a chunk that is longer than it says', `${CHUNKED}5\r\nhello!\r\n`),
  bad(400, 'a bare LF after a chunk', `${CHUNKED}5\r\nhello\n`),
  bad(400, 'a NUL in a chunk extension', `${CHUNKED}5;\0\r\nhello`),
  bad(400, 'a long chunk extension', `${CHUNKED}5;${'a'.repeat(5_000)}`),
  bad(400, 'a folded trailer', `${CHUNKED}0\r\n folded\r\n`),
  bad(400, 'a trailer without colon', `${CHUNKED}0\r\ntrailer\r\n`),
  bad(400, 'a NUL in a trailer', `${CHUNKED}0\r\na: \0\r\n`),
  bad(400, 'a bare CR in a trailer', `${CHUNKED}0\r\na: b\rc`),
  bad(431, 'long trailers', `${CHUNKED}0\r\na: ${'b'.repeat(9_000)}`),
];

/** Whole requests behind each other, and the same in pieces. */
export interface CutPipeline {
  readonly expected: HttpCase;
  readonly pieces: readonly Buffer[];
}

/** Up to 12 of the good cases, cut at up to 8 places. */
export function cutPipelines(): fc.Arbitrary<CutPipeline> {
  const stays = goodCases.filter((one) => one.requests.every((r) => r.keepAlive !== false));
  const cases = fc.array(fc.constantFrom(...stays), { minLength: 1, maxLength: 12 });
  const places = fc.array(fc.nat(4_000), { maxLength: 8 });
  return fc.tuple(cases, places).map(([chosen, at]) => {
    const bytes = Buffer.concat(chosen.map((one) => one.bytes));
    const requests = chosen.flatMap((one) => one.requests);
    return { expected: { name: 'a pipeline', bytes, requests }, pieces: cut(bytes, at) };
  });
}
