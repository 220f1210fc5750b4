/** The runtime's own Response is the judge: what it makes of its arguments, the light one does, too. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LightResponse } from './light-response.ts';
import { RealResponse } from './web-stand-in.ts';

type Make = (Response: typeof RealResponse) => Response;

const Light = LightResponse as unknown as typeof RealResponse;
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** What a program can see of it, or the class of the error. */
async function seen(make: Make, Response: typeof RealResponse): Promise<unknown> {
  try {
    const response = make(Response);
    const { status, statusText, ok, bodyUsed } = response;
    const before = [...response.headers];
    const text = Buffer.from(await response.clone().arrayBuffer()).toString('latin1');
    const same = (await response.text()).length === Buffer.from(text, 'latin1').toString().length;
    return { status, statusText, ok, bodyUsed, before, headers: [...response.headers], text, same };
  } catch (error) {
    return (error as Error).constructor.name;
  }
}

/** Its boundary is made at random, so this body is looked at for its length alone. */
const form = (): FormData => {
  const data = new FormData();
  data.append('a', 'b');
  return data;
};

const made: Readonly<Record<string, Make>> = {
  nothing: (R) => new R(),
  text: (R) => new R('téxt'),
  'an init with a url of its own': (R) => {
    const init = { url: 'http://a/', headers: { connection: 'close', 'content-encoding': 'gzip' } };
    return new R('text', init);
  },
  'an empty text': (R) => new R(''),
  bytes: (R) => new R(bytes('abc')),
  'a part of a buffer': (R) => new R(Buffer.from('abcdef').subarray(1, 4)),
  'an ArrayBuffer': (R) => new R(bytes('abc').buffer),
  'a view of data': (R) => new R(new DataView(bytes('abcd').buffer, 1, 2)),
  'numbers of two bytes': (R) => new R(new Uint16Array([0x6161, 0x6262])),
  'a Blob with a type': (R) => new R(new Blob(['abc'], { type: 'image/png' })),
  'a Blob': (R) => new R(new Blob(['abc'])),
  'a stream': (R) => new R(new Blob(['abc']).stream()),
  parameters: (R) => new R(new URLSearchParams({ a: 'b c' })),
  'a number': (R) => new R(123 as never),
  'an object': (R) => new R({ toString: () => 'named' } as never),
  'null and null': (R) => new R(null, null as never),
  'a status': (R) => new R('a', { status: 404, statusText: 'Not here' }),
  'a status as text': (R) => new R('a', { status: '201' as never }),
  'a status with a fraction': (R) => new R('a', { status: 200.9 }),
  'too low a status': (R) => new R('a', { status: 199 }),
  'too high a status': (R) => new R('a', { status: 600 }),
  'the status of a switch': (R) => new R(null, { status: 101 }),
  'no status': (R) => new R('a', { status: 'no' as never }),
  'null as a status': (R) => new R('a', { status: null as never }),
  'a status text with a line end': (R) => new R('a', { statusText: 'a\r\nb' }),
  '204 and a body': (R) => new R('a', { status: 204 }),
  '205 and an empty body': (R) => new R('', { status: 205 }),
  '304 and none': (R) => new R(null, { status: 304 }),
  'a record of headers': (R) => new R('a', { headers: { 'X-B': '1', 'x-a': ' 2 ' } }),
  'a list of headers': (R) =>
    new R('a', {
      headers: [
        ['x-a', '1'],
        ['X-A', '2'],
      ],
    }),
  Headers: (R) => new R('a', { headers: new Headers({ 'x-a': '1' }) }),
  cookies: (R) =>
    new R('a', {
      headers: [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    }),
  'a type of its own': (R) => new R('a', { headers: { 'Content-Type': 'text/html' } }),
  'headers that are none': (R) => new R('a', { headers: 'abc' as never }),
  'a header of one part': (R) => new R('a', { headers: [['x-a']] as never }),
  'a header of three parts': (R) => new R('a', { headers: [['x-a', '1', '2']] as never }),
  'numbers as values': (R) => new R('a', { headers: { 'x-a': 1 as never } }),
  'another response': (R) => new R('b', new R('a', { status: 201, headers: { 'x-a': '1' } })),
  'a type taken away': (R) => {
    const response = new R('a');
    response.headers.delete('content-type');
    return response;
  },
  'headers changed after a clone': (R) => {
    const response = new R('a');
    const { headers } = response;
    response.clone();
    headers.set('x-a', '1');
    return response;
  },
  JSON: (R) => R.json({ a: [1] }),
  'JSON with headers': (R) => R.json(1, { status: 201, headers: { 'x-a': '1' } }),
  'JSON after another': (R) => R.json(1, new R(null, { status: 202 })),
  'JSON of nothing': (R) => R.json(undefined),
  'JSON without a body': (R) => R.json(1, { status: 204 }),
  redirect: (R) => R.redirect('http://a/b', 307),
  'a stream that is read': (R) => {
    const stream = new Blob(['abc']).stream();
    stream.getReader();
    return new R(stream);
  },
};

describe('LightResponse is what Response is', () => {
  for (const [name, make] of Object.entries(made)) {
    test(`made of ${name}`, async () => {
      assert.deepEqual(await seen(make, Light), await seen(make, RealResponse));
    });
  }

  test('made of a form', async () => {
    const [light, real] = [new Light(form()), new RealResponse(form())];
    assert.match(light.headers.get('content-type') ?? '', /^multipart\/form-data; boundary=/);
    assert.equal((await light.text()).length, (await real.text()).length);
  });
});

describe('what a response was made of may be used again', () => {
  /** Each returns a response, and what then changes what it was made of. */
  const changed: Readonly<Record<string, (R: typeof RealResponse) => [Response, () => void]>> = {
    bytes: (R) => {
      const body = bytes('abc');
      return [new R(body), () => body.fill(0x78)];
    },
    'an ArrayBuffer': (R) => {
      const body = bytes('abc');
      return [new R(body.buffer), () => body.fill(0x78)];
    },
    'a view of data': (R) => {
      const body = bytes('abc');
      return [new R(new DataView(body.buffer)), () => body.fill(0x78)];
    },
    parameters: (R) => {
      const body = new URLSearchParams({ a: '1' });
      return [new R(body), () => body.set('a', '2')];
    },
    Headers: (R) => {
      const headers = new Headers({ 'x-a': '1' });
      return [new R('a', { headers }), () => headers.set('x-a', '2')];
    },
    'a record': (R) => {
      const headers = { 'x-a': '1' };
      return [new R('a', { headers }), () => Object.assign(headers, { 'x-a': '2', 'x-b': '3' })];
    },
    'a list': (R) => {
      const headers: [string, string][] = [['x-a', '1']];
      return [new R('a', { headers }), () => headers.push(['x-b', '2'])];
    },
    'the init itself': (R) => {
      const init: ResponseInit = { status: 201, statusText: 'a' };
      return [new R('a', init), () => Object.assign(init, { status: 404, statusText: 'b' })];
    },
  };
  for (const [name, make] of Object.entries(changed)) {
    test(name, async () => {
      const [light, real] = [Light, RealResponse].map((R): Make => {
        const [response, change] = make(R);
        change();
        return () => response;
      }) as [Make, Make];
      assert.deepEqual(await seen(light, Light), await seen(real, RealResponse));
    });
  }
});
