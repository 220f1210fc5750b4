/** What a program keeps of what node:http gave it stays as it was, whatever comes later. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { TestScope } from '../support/rig.ts';
import { runProgram } from '../support/program.ts';
import { type Side, sides } from '../support/sides.ts';
import { waitUntil } from '../support/wait-until.ts';

const post = (body: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** What came, with the answers of later requests behind it. */
class Client {
  readonly socket: Socket;
  text = '';

  constructor(t: TestScope, port: number) {
    this.socket = connect(port, '127.0.0.1').setNoDelay();
    this.socket.on('error', () => {}).setEncoding('latin1');
    this.socket.on('data', (part: string) => {
      this.text += part;
    });
    t.after(() => this.socket.destroy());
  }

  /** Until a request of the same length as `letter` repeated has been answered: memory is used again. */
  async overwrite(letter: string, times = 40): Promise<void> {
    const before = this.text.length;
    this.socket.write(post(letter.repeat(times)));
    await waitUntil(() => this.text.indexOf('done', before) !== -1, 'an answer');
  }
}

function echoing(kept: Buffer[]): http.Server {
  return http.createServer((request, response) => {
    request.on('data', (part: Buffer) => kept.push(part));
    request.on('end', () => response.end('done'));
  });
}

const lengthOf = (parts: readonly Buffer[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);

const otherEngine = process.versions['bun'] ?? process.versions['deno'];

describe('small collections of what an upload leaves', {
  skip: otherEngine !== undefined && 'the collections of V8 are as Node shows them',
}, () => {
  const programs = [
    { name: 'node:http', args: ['attach'], env: {}, says: 'collected' },
    { name: 'gnet/http', args: ['fetch'], env: {}, says: 'collected' },
    { name: 'web streams', args: ['web'], env: {}, says: 'collected' },
    {
      name: 'a program with gc',
      args: ['attach'],
      env: { NODE_OPTIONS: '--expose-gc' },
      says: 'collected',
    },
    {
      name: 'a program that wants none',
      args: ['attach'],
      env: { GNET_SMALL_COLLECTIONS: '0' },
      says: 'not collected',
    },
  ];
  for (const { name, args, env, says } of programs) {
    test(`${name}: ${says}`, async (t) => {
      const whole = { env: { ...process.env, GNET_SMALL_COLLECTIONS: '', ...env } };
      const program = runProgram(t, 'test/stream/programs/upload.ts', args, whole);
      assert.deepEqual(await program.line(/took (\d+)/), ['33554432']);
      assert.deepEqual(await program.line(/^((?:not )?collected)$/m), [says]);
    });
  }
});

for (const side of sides) describe(`kept of node:http over ${side.name}`, () => keeps(side));

function keeps(side: Side): void {
  test('bodies', async (t) => {
    const kept: Buffer[] = [];
    const port = await side.listen(t, echoing(kept));
    const clients = [new Client(t, port), new Client(t, port)];
    for (const letter of 'abcdefgh') for (const client of clients) await client.overwrite(letter);
    const expected = [...'aabbccddeeffgghh'].map((letter) => letter.repeat(40));
    assert.deepEqual(kept.map(String), expected);
  });

  test('a large body that comes in many reads', async (t) => {
    const kept: Buffer[] = [];
    const port = await side.listen(t, echoing(kept));
    const client = new Client(t, port);
    const body = Array.from({ length: 300_000 }, (_, at) => String(at % 10)).join('');
    client.socket.write(post(body));
    await waitUntil(() => client.text.includes('done'), 'an answer');
    assert.equal(Buffer.concat(kept).toString(), body);
  });

  test('the bytes behind an upgrade', async (t) => {
    const server = echoing([]);
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    client.socket.write(`${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x');
    assert.equal(String(early), 'early'.repeat(8));
  });

  test('the bytes behind an upgrade that follows a large body', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    client.socket.write(post('b'.repeat(40_000)).slice(0, -30_000));
    await waitUntil(() => lengthOf(kept) === 10_000, 'the first part');
    client.socket.write(`${'b'.repeat(30_000)}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
    assert.equal(Buffer.concat(kept).toString('latin1', 0, 40_000), 'b'.repeat(40_000));
  });

  test('the bytes behind an upgrade, where somebody else listened amid the body', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const seen: Buffer[] = [];
    const see = (part: Buffer): void => void seen.push(part);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    client.socket.write(post('b'.repeat(100_000)).slice(0, -70_000));
    await waitUntil(() => lengthOf(kept) === 30_000, 'the first part');
    const [socket] = await accepted;
    socket.on('data', see);
    client.socket.write('b'.repeat(60_000));
    await waitUntil(
      () => lengthOf(seen) === 60_000 && lengthOf(kept) === 90_000,
      'the second part',
    );
    socket.removeListener('data', see);
    client.socket.write(`${'b'.repeat(10_000)}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
  });

  test('the bytes behind an upgrade, where the head before it came to a paused stream', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    const [socket] = await accepted;
    socket.pause();
    client.socket.write(post('b'.repeat(60_000)).slice(0, -30_000));
    // A paused socket of node:net reads nothing at all.
    if (side.name === 'gnet') await waitUntil(() => socket.bytesRead > 0, 'the head');
    socket.resume();
    await waitUntil(() => lengthOf(kept) === 30_000, 'the first part');
    client.socket.write('b'.repeat(10_000));
    await waitUntil(() => lengthOf(kept) === 40_000, 'the second part');
    client.socket.write(`${'b'.repeat(20_000)}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
    assert.equal(Buffer.concat(kept).toString('latin1', 0, 60_000), 'b'.repeat(60_000));
  });

  test('the bytes behind an upgrade, where the program has put some of a body back', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    const [socket] = await accepted;
    client.socket.write(post('b'.repeat(60_000)).slice(0, -50_000));
    await waitUntil(() => lengthOf(kept) === 10_000, 'the first part');
    socket.unshift(Buffer.alloc(30_000, 'b'));
    await waitUntil(() => lengthOf(kept) === 40_000, 'what was put back');
    client.socket.write(`${'b'.repeat(20_000)}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
    assert.equal(Buffer.concat(kept).toString('latin1', 0, 60_000), 'b'.repeat(60_000));
  });

  test('a large body whose reader begins late', async (t) => {
    const kept: Buffer[] = [];
    const server = http.createServer((request, response) => {
      // By then the first reads have filled the queues, and the socket was paused.
      setImmediate(() => echoing(kept).emit('request', request, response));
    });
    const port = await side.listen(t, server);
    const client = new Client(t, port);
    const body = Array.from({ length: 600_000 }, (_, at) => String(at % 10)).join('');
    client.socket.write(post(body));
    await waitUntil(() => client.text.includes('done'), 'an answer');
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(Buffer.concat(kept).toString('latin1', 0, 600_000), body);
  });

  test('a large body that comes with its head, and what follows in the same read', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    const body = Array.from({ length: 40_000 }, (_, at) => String(at % 10)).join('');
    client.socket.write(`${post(body)}${post('b'.repeat(40))}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
    assert.equal(Buffer.concat(kept).toString('latin1', 0, 40_040), body + 'b'.repeat(40));
  });

  test('an upgrade behind a body whose head has lines that end otherwise', async (t) => {
    const kept: Buffer[] = [];
    const server = http.createServer({ insecureHTTPParser: true });
    server.on('request', echoing(kept).listeners('request')[0] as http.RequestListener);
    const port = await side.listen(t, server);
    const upgraded = once(server, 'upgrade');
    const client = new Client(t, port);
    const body = `\r\n\r\n${'b'.repeat(40_000)}`;
    client.socket.write(`${post(body).replace('\r\n\r\n', '\n\n')}${upgrade}${'early'.repeat(8)}`);
    const [, , early] = (await upgraded) as [IncomingMessage, Socket, Buffer];
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(String(early), 'early'.repeat(8));
    assert.equal(Buffer.concat(kept).toString('latin1', 0, body.length), body);
  });

  test('a long packet that is no request is told once', async (t) => {
    const errors: (Error & { rawPacket: Buffer })[] = [];
    const server = echoing([]).on('clientError', (error) => errors.push(error as never));
    const port = await side.listen(t, server);
    const client = new Client(t, port);
    client.socket.write(`BOO BOO BOO\r\n\r\n${'b'.repeat(40_000)}`);
    await waitUntil(() => errors.length > 0, 'the error');
    await new Client(t, port).overwrite('x', 60_000);
    assert.equal(errors.length, 1);
    assert.match(String(errors[0]?.rawPacket), /^BOO BOO BOO\r\n\r\n/);
  });

  test('the packet that is no request, behind a large body', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing(kept);
    const port = await side.listen(t, server);
    const failed = once(server, 'clientError');
    const client = new Client(t, port);
    client.socket.write(post('b'.repeat(40_000)).slice(0, -30_000));
    await waitUntil(() => lengthOf(kept) === 10_000, 'the first part');
    client.socket.write(`${'b'.repeat(30_000)}BOO BOO BOO\r\n\r\n`);
    const [error] = (await failed) as [Error & { rawPacket: Buffer }];
    await new Client(t, port).overwrite('x', 60_000);
    assert.match(String(error.rawPacket), /BOO BOO BOO\r\n\r\n$/);
  });

  test('the packet that is no request, where the socket stays open', async (t) => {
    const server = echoing([]);
    const port = await side.listen(t, server);
    const failed = once(server, 'clientError');
    const client = new Client(t, port);
    client.socket.write('BOO BOO BOO\r\n\r\n');
    const [error] = (await failed) as [Error & { rawPacket: Buffer }];
    await new Client(t, port).overwrite('x');
    assert.equal(String(error.rawPacket), 'BOO BOO BOO\r\n\r\n');
  });

  test('what a second listener of the socket got', async (t) => {
    const kept: Buffer[] = [];
    const server = echoing([]);
    server.on('connection', (socket: Socket) => {
      socket.on('data', (part: Buffer) => kept.push(part));
    });
    const client = new Client(t, await side.listen(t, server));
    await client.overwrite('a');
    await client.overwrite('b');
    assert.equal(Buffer.concat(kept).toString(), post('a'.repeat(40)) + post('b'.repeat(40)));
  });

  test('what a program saw that looks at all events of the socket', async (t) => {
    if (side.name === 'node:net') return t.skip('its parser reads below the events');
    const kept: Buffer[] = [];
    const server = echoing([]);
    server.on('connection', (socket: Socket) => {
      const { emit } = socket;
      socket.emit = function see(this: Socket, name: string, ...values: unknown[]) {
        if (name === 'data') kept.push(values[0] as Buffer);
        return Reflect.apply(emit, this, [name, ...values]) as boolean;
      } as typeof emit;
    });
    const client = new Client(t, await side.listen(t, server));
    await client.overwrite('a');
    await client.overwrite('b');
    assert.equal(Buffer.concat(kept).toString(), post('a'.repeat(40)) + post('b'.repeat(40)));
  });
}
