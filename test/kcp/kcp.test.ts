/** KCP between two of ours, over a relay that loses a tenth, and with the reference in Go. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Action, ErrInvalidOption } from 'gnet';
import { type KcpConn, type KcpHandler, type KcpOptions, kcpClient, serveKcp } from 'gnet/kcp';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { Program } from '../support/program.ts';
import { codeOf, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from '../examples/spawn-example.ts';
import { LossyRelay } from './lossy-relay.ts';

const fast: KcpOptions = { nodelay: true, interval: 10, resend: 2, nc: true };
const windows: KcpOptions = { sendWindow: 512, receiveWindow: 512 };
const mebibytes = Number(process.env['GNET_KCP_MEBIBYTES'] ?? 1);
const pattern = new BytePattern(31);

async function serving(t: TestScope, handler: KcpHandler, options: KcpOptions = {}) {
  const server = await serveKcp(handler, 'kcp://127.0.0.1:0', options);
  t.after(() => server.close());
  return server;
}

async function dialling(t: TestScope, handler: KcpHandler, options: KcpOptions = {}) {
  const client = await kcpClient(handler, options);
  t.after(() => client.stop());
  return client;
}

const echo: KcpHandler = { react: (message) => message };

describe('kcp', () => {
  test('messages, whole and in order, with a context each', async (t) => {
    const events: string[] = [];
    const server = await serving(t, {
      onOpened(c) {
        events.push('open');
        c.context = 0;
        return 'welcome';
      },
      react(message, c) {
        c.context = Number(c.context) + 1;
        return String(message) === 'bye'
          ? ['gone', Action.Close]
          : `${c.context} ${message.length}`;
      },
      onClosed: (_c, error) => void events.push(error === undefined ? 'closed' : codeOf(error)),
    });
    const heard: string[] = [];
    const client = await dialling(t, { react: (message) => void heard.push(String(message)) });
    const c = await client.dial(`kcp://${server.addr}`, { context: 'mine' });
    assert.equal(c.context, 'mine');
    assert.equal(c.remoteAddr, server.addr);
    for (const size of [1, 0, 1_376, 1_377, 100_000]) c.write(Buffer.alloc(size));
    c.write('bye');
    await waitUntil(() => heard.length === 7, 'every answer');
    assert.deepEqual(heard, ['welcome', '1 1', '2 0', '3 1376', '4 1377', '5 100000', 'gone']);
    await waitUntil(() => events.length === 2, 'the close');
    assert.deepEqual(events, ['open', 'closed']);
    await c.flushed();
    c.close();
  });

  for (const [name, options] of [
    ['fast', { ...fast, ...windows }],
    [
      'with a congestion window, as a stream',
      { nodelay: true, interval: 10, resend: 2, ...windows, stream: true },
    ],
  ] as const) {
    test(`${mebibytes} MiB over a link that loses a tenth: ${name}`, async (t) => {
      const server = await serving(t, echo, options);
      const relay = await LossyRelay.open(t, server.addr, 0.1);
      const total = (name === 'fast' ? mebibytes : Math.min(mebibytes, 0.25)) * 1_048_576;
      const sent = createHash('sha256');
      const received = createHash('sha256');
      let offset = 0;
      let bytes = 0;
      const write = (c: KcpConn): void => {
        for (let room = true; room && offset < total; ) {
          const part = pattern.slice(offset, Math.min(16_384, total - offset));
          offset += part.length;
          sent.update(part);
          room = c.write(part);
        }
      };
      const handler: KcpHandler = {
        onOpened: write,
        onDrain: write,
        react(message) {
          bytes += message.length;
          received.update(message);
        },
      };
      const client = await dialling(t, handler, { ...options, highWaterMark: 262_144 });
      await client.dial(`kcp://${relay.address}`);
      await waitUntil(() => bytes === total, 'all of it');
      assert.equal(received.digest('hex'), sent.digest('hex'));
      assert.ok(relay.lost > relay.passed / 20, `${relay.lost} of ${relay.passed} were lost`);
    });
  }

  test('who does not read stops the writer, and goes on later', async (t) => {
    let reader: KcpConn | null = null;
    let bytes = 0;
    const server = await serving(t, {
      onOpened(c) {
        reader = c;
        c.pauseRead();
      },
      react(message) {
        bytes += message.length;
      },
    });
    let drained = false;
    const client = await dialling(
      t,
      {
        onDrain() {
          drained = true;
        },
      },
      { highWaterMark: 50_000 },
    );
    const c = await client.dial(`kcp://${server.addr}`);
    let written = 0;
    while (c.write(Buffer.alloc(10_000))) written += 10_000;
    written += 10_000;
    for (let more = 0; more < 40; more++) {
      c.write(Buffer.alloc(10_000));
      written += 10_000;
    }
    await waitUntil(() => reader !== null && c.outboundBuffered() < written, 'the window fills');
    assert.equal(bytes, 0);
    (reader as unknown as KcpConn).resumeRead();
    await waitUntil(() => bytes === written && drained, 'the rest');
  });

  test('what throws, and what is malformed, ends nothing but itself', async (t) => {
    const closed: string[] = [];
    const server = await serving(t, {
      react(message) {
        if (String(message) === 'throw') throw new Error('thrown');
        return message;
      },
      onClosed: (_c, error) => void closed.push(codeOf(error)),
    });
    let heard = 0;
    const client = await dialling(t, { react: () => void heard++ });
    const [one, other] = [
      await client.dial(`kcp://${server.addr}`),
      await client.dial(`kcp://${server.addr}`),
    ];
    one.write('throw');
    await waitUntil(() => closed.length === 1, 'its end');
    assert.deepEqual(closed, ['ErrHandler']);
    await server.sendTo(other.localAddr, 'no segment');
    await server.sendTo(server.addr, Buffer.alloc(24, 255));
    other.write('fine');
    await waitUntil(() => heard === 1, 'the echo');
    await assert.rejects(serving(t, {}, { interval: 1 }), ErrInvalidOption);
    await assert.rejects(serveKcp({}, 'udp://127.0.0.1:0'), { code: 'ErrUnsupportedProtocol' });
  });
});

test('examples/kcp-echo.ts echoes', async (t) => {
  const example = await spawnExample('examples/kcp-echo.ts', []);
  const heard: string[] = [];
  const client = await dialling(t, { react: (message) => void heard.push(String(message)) }, fast);
  const c = await client.dial(`kcp://127.0.0.1:${example.port}`);
  c.write('hello');
  await waitUntil(() => heard.length === 1, 'the echo');
  assert.deepEqual(heard, ['hello']);
  assert.equal(await example.stop(), 0);
});

const source = fileURLToPath(new URL('go-peer', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'gnet-kcp-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const peer = join(directory, 'kcp-peer');
const built = spawnSync('go', ['build', '-o', peer, '.'], { cwd: source, encoding: 'utf8' });
const why = built.stderr ?? String(built.error);
const noGo = built.status !== 0 && `no Go with kcp-go here: ${why.slice(0, 200)}`;

describe('kcp-go', { skip: noGo }, () => {
  async function ending(t: TestScope, ...args: string[]): Promise<string> {
    const child = new Program(t, peer, args, {});
    const { code, output } = await child.ending();
    assert.equal(code, 0, output);
    return output;
  }

  for (const mode of ['message', 'stream']) {
    test(`calls us over a lossy link: ${mode}`, async (t) => {
      const server = await serving(t, echo, { ...fast, ...windows, stream: mode === 'stream' });
      const relay = await LossyRelay.open(t, server.addr, 0.1);
      const output = await ending(t, 'client', relay.address, mode, String(mebibytes * 1_048_576));
      assert.match(output, /same bytes/);
    });
  }

  test('is called by us', async (t) => {
    const child = new Program(t, peer, ['server'], {});
    const [address = ''] = await child.line(/^listens on (\S+)$/m);
    const relay = await LossyRelay.open(t, address, 0.1);
    const total = 262_144;
    const received: Buffer[] = [];
    let bytes = 0;
    const handler: KcpHandler = {
      react(message) {
        received.push(message);
        bytes += message.length;
      },
    };
    const client = await dialling(t, handler, { ...fast, ...windows });
    const c = await client.dial(`kcp://${relay.address}`);
    for (let at = 0; at < total; at += 4_096) c.write(pattern.slice(at, 4_096));
    await waitUntil(() => bytes === total, 'the echo');
    assert.ok(Buffer.concat(received).equals(Buffer.from(pattern.slice(0, total))));
  });
});
