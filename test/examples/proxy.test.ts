/** examples/proxy.ts between clients and servers that were not written here. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { RawClient } from 'gnet/testing';
import { deadAddress, silentAddress } from '../support/client-rig.ts';
import { driverName } from '../support/driver.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { type Program, runProgram } from '../support/program.ts';
import { assertSameBytes, type TestScope, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';
import { writeFiles } from '../tls/tls-rig.ts';

const mebibyte = 1_048_576;
const pattern = new BytePattern(77);

interface Proxy {
  readonly program: Program;
  readonly port: string;
  readonly address: string;
}

/** A server example; with `upstream`, the proxy before that address. */
async function start(
  t: TestScope,
  path: string,
  flags: readonly string[] = [],
  loops = 1,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Proxy> {
  const program = runProgram(t, `examples/${path}`, ['--port', '0', ...flags], {
    // In development frames are copied, so that expired ones can be poisoned: memory for the collector.
    env: { ...env, NODE_ENV: 'production' },
  });
  const [port] = (await program.line(
    new RegExp(
      `^\\S+ is listening on tcp://\\S+:(\\d+) \\(multi-cores: false, loops: ${loops}\\)$`,
      'm',
    ),
  )) as [string];
  return { program, port, address: `127.0.0.1:${port}` };
}

function startProxy(t: TestScope, upstream: string): Promise<Proxy> {
  return start(t, 'proxy.ts', ['--upstream', upstream]);
}

async function endInOrder({ program }: Proxy): Promise<void> {
  program.kill('SIGTERM');
  const { code, signal, output } = await program.ending();
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, output);
}

/** An upstream of node:net. */
async function upstream(t: TestScope, accept: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function dial(t: TestScope, { address }: Proxy): Promise<RawClient> {
  const client = await RawClient.connect(address);
  t.after(() => client.destroy());
  return client;
}

function residentMebibytes({ program }: Proxy): number {
  const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024;
}

/** Says how many bytes came, once the other side has ended. */
function countBytes(socket: Socket): void {
  let bytes = 0;
  socket.on('data', (piece: Buffer) => {
    bytes += piece.length;
  });
  socket.on('end', () => socket.end(`${bytes} bytes`));
}

test('curl: pages and bodies of the HTTP example', { skip: missing('curl') }, async (t) => {
  const http = await start(t, 'http.ts');
  const proxy = await startProxy(t, http.address);
  const page = await runClient('curl', ['-sS', `http://${proxy.address}/plaintext`]);
  assert.equal(text(page.stdout), 'Hello, World!');
  const body = pattern.slice(0, mebibyte);
  const args = ['-sS', '--data-binary', '@-', `http://${proxy.address}/echo`];
  const echoed = await runClient('curl', args, body);
  assertSameBytes(echoed.stdout, body);
  await endInOrder(proxy);
});

test('TLS on both sides: ended for clients, and begun towards the upstream', {
  skip: missing('curl'),
}, async (t) => {
  const files = writeFiles(t);
  const own = ['--tls', `${files.cert},${files.key}`];
  const http = await start(t, 'http.ts', own);
  const upstreamAddress = `tls://localhost:${http.port}`;
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: files.ca };
  const proxy = await start(t, 'proxy.ts', ['--upstream', upstreamAddress, ...own], 1, env);
  const url = `https://localhost:${proxy.port}`;
  const args = ['-sS', '--cacert', files.ca, '--resolve', `localhost:${proxy.port}:127.0.0.1`];
  const page = await runClient('curl', [...args, `${url}/plaintext`]);
  assert.deepEqual([text(page.stdout), page.stderr], ['Hello, World!', '']);
  const body = pattern.slice(0, mebibyte);
  const echoed = await runClient('curl', [...args, '--data-binary', '@-', `${url}/echo`], body);
  assertSameBytes(echoed.stdout, body);
  await endInOrder(proxy);
});

test('curl over plain http to the HTTP example with TLS is told so', {
  skip: missing('curl'),
}, async (t) => {
  const files = writeFiles(t);
  const http = await start(t, 'http.ts', ['--tls', `${files.cert},${files.key}`]);
  const args = ['-sS', '--write-out', ' %{http_code}', `http://${http.address}/plaintext`];
  const { stdout } = await runClient('curl', args);
  assert.match(text(stdout), /This port speaks HTTPS: write https:.*\n 400$/);
});

test('socat: each direction ends by itself', { skip: missing('socat') }, async (t) => {
  const proxy = await startProxy(t, await upstream(t, countBytes));
  const bytes = pattern.slice(0, 3_000_000);
  const { stdout, stderr } = await runClient('socat', ['-t10', '-', `TCP:${proxy.address}`], bytes);
  assert.deepEqual([text(stdout), stderr], ['3000000 bytes', '']);
  await endInOrder(proxy);
});

test('nc: an upstream that answers and ends first still gets what comes', {
  skip: missing('nc'),
}, async (t) => {
  let received = '';
  const address = await upstream(t, (socket) => {
    socket.end('goodbye');
    socket.on('data', (piece: Buffer) => {
      received += text(piece);
    });
  });
  const proxy = await startProxy(t, address);
  const client = await dial(t, proxy);
  assert.equal(text(await client.readUntilEnd()), 'goodbye');
  client.write('after your end');
  client.end();
  await waitUntil(() => received === 'after your end', 'the late bytes');
  const { stdout } = await runClient('nc', ['-N', '127.0.0.1', proxy.port], 'x');
  assert.equal(text(stdout), 'goodbye');
  await endInOrder(proxy);
});

test('a client in Go: frames of the codec example', { skip: missing('go') }, async (t) => {
  const server = await start(t, 'codec/server.ts');
  const proxy = await startProxy(t, server.address);
  const cwd = fileURLToPath(new URL('go-client', import.meta.url));
  const env = { ...process.env, GOPROXY: 'off', GO111MODULE: 'off' };
  const { stdout } = await runClient('go', ['run', 'main.go', proxy.address], '', { cwd, env });
  assert.equal(text(stdout), '15 frames came back\n');
});

test('64 MiB each way at once, neither side reading at first: bounded memory, right bytes', async (t) => {
  const total = 64 * mebibyte;
  const bytes = pattern.slice(0, total);
  let upstreamSocket: Socket | undefined;
  const received: Buffer[] = [];
  const address = await upstream(t, (socket) => {
    upstreamSocket = socket;
    socket.pause();
    socket.end(bytes);
  });
  const proxy = await startProxy(t, address);
  const before = residentMebibytes(proxy);
  const client = await dial(t, proxy);
  client.pauseReading();
  client.write(bytes);
  client.end();
  await waitUntil(() => upstreamSocket !== undefined, 'the upstream side');
  const socket = upstreamSocket as unknown as Socket;
  await settle(300);
  // What two directions may hold, and room for the collector.
  const grown = residentMebibytes(proxy) - before;
  assert.ok(grown < 40, `${grown} MiB more`);
  // The upstream reads slowly, and the client not at all: the directions do not wait for each other.
  let uploaded = 0;
  socket.on('data', (piece: Buffer) => {
    received.push(piece);
    uploaded += piece.length;
    if (received.length % 100 !== 0) return;
    socket.pause();
    void sleep(2).then(() => socket.resume());
  });
  socket.resume();
  await waitUntil(() => uploaded === total, 'the upload');
  assertSameBytes(Buffer.concat(received), bytes, 'upload');
  client.resumeReading();
  assertSameBytes(await client.readUntilEnd(), bytes, 'download');
  // Less than one direction at all events. The runtime's own sockets (driver node) read into memory that
  // the collector has to give back.
  const most = driverName === 'node' ? 60 : 40;
  const left = residentMebibytes(proxy) - before;
  assert.ok(left < most, `${left} MiB more at the end`);
  await endInOrder(proxy);
});

describe('what breaks on one side', () => {
  test('failed dials are said once and counted', async (t) => {
    const proxy = await startProxy(t, await deadAddress());
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial(t, proxy)));
    for (const client of clients) {
      await client.readUntilEnd();
      client.end();
    }
    await endInOrder(proxy);
    const lines = proxy.program.output.split('\n').filter((line) => line.includes('No way'));
    assert.equal(lines.length, 2, proxy.program.output);
    assert.match(lines[0] as string, /^No way through: .*ECONNREFUSED/);
    assert.equal(lines[1], 'No way through: 19 more times');
  });

  for (const [what, early] of [
    ['without a word', ''],
    ['after a question', 'anybody there?'],
  ] as const) {
    test(`clients that leave ${what} while the upstream is dialled leave nothing open`, async (t) => {
      const proxy = await startProxy(t, await silentAddress(t));
      const count = (): number => readdirSync(`/proc/${proxy.program.pid}/fd`).length;
      const before = count();
      const clients = await Promise.all(Array.from({ length: 10 }, () => dial(t, proxy)));
      for (const client of clients) client.write(early);
      await waitUntil(() => count() >= before + 20, 'both sides of each passage');
      for (const client of clients) client.destroy();
      await waitUntil(() => count() <= before, 'they are closed');
      await endInOrder(proxy);
      // The dial's own limit would have closed them, too, and told why.
      assert.doesNotMatch(proxy.program.output, /No way through/);
    });
  }

  test('a client that ends before there is an upstream gets its answer', async (t) => {
    const proxy = await startProxy(t, await upstream(t, countBytes));
    const clients = await Promise.all(Array.from({ length: 10 }, () => dial(t, proxy)));
    for (const client of clients) {
      client.write('x'.repeat(100_000));
      client.end();
    }
    for (const client of clients) assert.equal(text(await client.readUntilEnd()), '100000 bytes');
    await endInOrder(proxy);
  });

  test('an upstream that is down: the client is closed, the proxy says why and lives', async (t) => {
    const proxy = await startProxy(t, await deadAddress());
    for (let count = 0; count < 2; count++) {
      const client = await dial(t, proxy);
      client.write('anybody there?');
      assert.equal((await client.readUntilEnd()).length, 0);
      client.end();
    }
    await waitUntil(() => /No way through: .*ECONNREFUSED/.test(proxy.program.output), 'why');
    await endInOrder(proxy);
  });

  test('an upstream that resets: the client is reset', async (t) => {
    let upstreamSocket: Socket | undefined;
    const address = await upstream(t, (socket) => {
      upstreamSocket = socket;
      socket.on('error', () => {});
      socket.write('half an ans');
    });
    const proxy = await startProxy(t, address);
    const client = await dial(t, proxy);
    // Not before the passage stands: a dial that is answered with a reset is none, and ends in order.
    assert.equal(text(await client.readExactly(11)), 'half an ans');
    upstreamSocket?.resetAndDestroy();
    await client.untilClosed();
    assert.equal(client.broken, 'ECONNRESET');
    assert.equal(client.ended, false);
    await endInOrder(proxy);
  });

  test('a client that resets: the upstream is reset', async (t) => {
    let error: NodeJS.ErrnoException | undefined;
    let received = 0;
    const address = await upstream(t, (socket) => {
      socket.on('data', (piece: Buffer) => {
        received += piece.length;
      });
      socket.on('error', (reason) => {
        error = reason;
      });
    });
    const proxy = await startProxy(t, address);
    const client = await dial(t, proxy);
    client.write('half a quest');
    await waitUntil(() => received === 12, 'the bytes');
    client.reset();
    await waitUntil(() => error !== undefined, 'the reset');
    assert.equal(error?.code, 'ECONNRESET');
    await endInOrder(proxy);
  });

  test('an upstream that never answers does not keep the proxy from ending', async (t) => {
    const proxy = await startProxy(t, await silentAddress(t));
    const client = await dial(t, proxy);
    client.write('early');
    await settle(100);
    // The client sees the end and ends, too.
    client.socket.on('end', () => client.end());
    await endInOrder(proxy);
  });
});

test('a half-closed client that reads late gets all of its answer', async (t) => {
  const answer = pattern.slice(0, 12 * mebibyte);
  const address = await upstream(t, (socket) => {
    socket.resume();
    socket.on('end', () => socket.end(answer));
  });
  const proxy = await startProxy(t, address);
  const client = await dial(t, proxy);
  client.write('everything, please');
  client.pauseReading();
  client.end();
  // Longer than `closeTimeout` is by itself. Only then is the rest of the answer asked for.
  await sleep(6_000);
  client.resumeReading();
  assertSameBytes(await client.readUntilEnd(), answer);
  await endInOrder(proxy);
});

test('a passage that rests is closed after --idle', async (t) => {
  const address = await upstream(t, (socket) => socket.on('error', () => {}));
  const proxy = await start(t, 'proxy.ts', ['--upstream', address, '--idle', '300ms']);
  const client = await dial(t, proxy);
  client.write('hello');
  await client.untilClosed();
  await endInOrder(proxy);
});

test('with several loops, each has its own way to the upstream', async (t) => {
  const address = await upstream(t, countBytes);
  const proxy = await start(t, 'proxy.ts', ['--upstream', address, '--loops', '2'], 2);
  const clients = await Promise.all(Array.from({ length: 8 }, () => dial(t, proxy)));
  for (const client of clients) {
    client.write(pattern.slice(0, 100_000));
    client.end();
  }
  for (const client of clients) {
    assert.equal(text(await client.readUntilEnd()), '100000 bytes');
  }
  await endInOrder(proxy);
});
