/** Connections that a proxy passes on, with the header that tells whose they are. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Conn, EventHandler, Options } from 'gnet';
import { freePort } from '../support/free-port.ts';
import { RawClient } from 'gnet/testing';
import { blockTimers } from '../support/block.ts';
import { startClient } from '../support/client-rig.ts';
import { missing, runClient } from '../support/outside-client.ts';
import {
  codeOf,
  freeAddress,
  type Rig,
  startRig,
  temporaryDirectory,
  type TestScope,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const line = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n';

/** Answers with what it knows of the connection, and what it was sent. */
const whoCalls: EventHandler = {
  react: (frame, c) => `${c.remoteAddr} to ${c.localAddr}: ${frame}`,
};

async function served(t: TestScope, options: Options, handler = whoCalls): Promise<Rig> {
  return startRig(t, handler, options);
}

const answerTo = async (rig: Rig, bytes: string | Uint8Array, length: number): Promise<string> => {
  const client = await RawClient.connect(rig.server.addr);
  client.write(Buffer.from(bytes));
  const answer = (await client.readExactly(length)).toString();
  client.destroy();
  return answer;
};

describe('proxyProtocol required', () => {
  test('remoteAddr and localAddr are those that the header names, in every event', async (t) => {
    const seen: string[] = [];
    const note = (c: Conn) =>
      void seen.push(`${c.remoteAddr} ${c.localAddr} ${c.proxied?.version}`);
    const rig = await served(
      t,
      { proxyProtocol: 'required' },
      { ...whoCalls, onOpened: note, onClosed: note },
    );
    const expected = '192.0.2.1:56324 to 198.51.100.7:443: hello';
    assert.equal(await answerTo(rig, `${line}hello`, expected.length), expected);
    await waitUntil(() => seen.length === 2, 'opened and closed');
    assert.deepEqual(seen, Array(2).fill('192.0.2.1:56324 198.51.100.7:443 1'));
  });

  test('byte by byte: nothing opens before the last byte, and no byte of it is a frame', async (t) => {
    const rig = await served(t, { proxyProtocol: 'required' });
    const client = await RawClient.connect(rig.server.addr);
    for (const byte of Buffer.from(line)) {
      assert.ok(!rig.events.includes('open'));
      client.write(Buffer.from([byte]));
      await settle();
    }
    await waitUntil(() => rig.events.includes('open'), 'opened');
    client.write(Buffer.from('x'));
    const expected = '192.0.2.1:56324 to 198.51.100.7:443: x';
    assert.equal((await client.readExactly(expected.length)).toString(), expected);
    client.destroy();
  });

  for (const [what, bytes] of [
    ['other bytes', 'GET / HTTP/1.1\r\n\r\n'],
    ['a malformed header', 'PROXY TCP4 1.2.3.4 5.6.7.8 99999 1\r\n'],
    ['an end in the middle', 'PROXY TCP4 1.2'],
  ] as const) {
    test(`${what}: refused with ErrProxyHeader in the log, and no event`, async (t) => {
      const rig = await served(t, { proxyProtocol: 'required' });
      const client = await RawClient.connect(rig.server.addr);
      client.write(Buffer.from(bytes));
      client.end();
      await waitUntil(() => client.closed, 'refused');
      await waitUntil(() => rig.reports.length === 1, 'reported');
      assert.equal(codeOf(rig.reports[0]?.err), 'ErrProxyHeader');
      assert.deepEqual(rig.events, ['init']);
      assert.equal(rig.server.countConnections(), 0);
    });
  }

  test('late: refused when handshakeTimeout has passed', async (t) => {
    const rig = await served(t, { proxyProtocol: 'required', handshakeTimeout: 50 });
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from('PROXY '));
    await waitUntil(() => client.closed, 'refused');
    assert.match(String(rig.reports[0]?.err), /not whole within 50 ms/);
    assert.deepEqual(rig.events, ['init']);
  });

  test('a header that came while the thread was blocked is not late', async (t) => {
    const rig = await served(t, { proxyProtocol: 'required', handshakeTimeout: 600 });
    const client = await RawClient.connect(rig.server.addr);
    await waitUntil(() => rig.server.countConnections() === 1, 'accepted');
    blockTimers(() => client.write(Buffer.from(`${line}hello`)), 900);
    const expected = '192.0.2.1:56324 to 198.51.100.7:443: hello';
    assert.equal((await client.readExactly(expected.length)).toString(), expected);
    client.destroy();
    assert.deepEqual(rig.reports, []);
  });

  test('a port that is only looked at is nothing to report', async (t) => {
    const rig = await served(t, { proxyProtocol: 'required' });
    const client = await RawClient.connect(rig.server.addr);
    client.end();
    await waitUntil(() => client.closed, 'closed');
    await waitUntil(() => rig.server.countConnections() === 0, 'gone');
    assert.deepEqual([rig.reports, rig.events], [[], ['init']]);
  });

  test('stop does not wait for a header, and tells no handler of it', async (t) => {
    const rig = await served(t, { proxyProtocol: 'required' });
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from('PROXY '));
    await waitUntil(() => rig.server.countConnections() === 1, 'accepted');
    await rig.server.stop();
    assert.deepEqual(rig.events, ['init', 'shutdown']);
    await waitUntil(() => client.closed, 'closed');
  });

  test('who is in no trusted network is refused, and so is an unknown network', async (t) => {
    const trusted = ['10.0.0.0/8', '2001:db8::/32'];
    const rig = await served(t, { proxyProtocol: { mode: 'required', trusted } });
    const client = await RawClient.connect(rig.server.addr);
    client.write(Buffer.from(line));
    await waitUntil(() => client.closed, 'refused');
    assert.match(String(rig.reports[0]?.err), /not in a trusted network/);
    const proxyProtocol = { mode: 'required', trusted: ['10.0.0.0/33'] } as const;
    await assert.rejects(served(t, { proxyProtocol }), { code: 'ErrInvalidOption' });
  });

  test('nor is a peer trusted that was reset before anybody could ask for its address', async (t) => {
    const proxyProtocol = { mode: 'required', trusted: ['10.0.0.0/8'] } as const;
    const rig = await served(t, { proxyProtocol });
    writeAndReset(rig.server.addr, `${line}hello`);
    await waitUntil(() => rig.reports.length === 1 || rig.events.includes('open'), 'looked at');
    assert.deepEqual(rig.events, ['init']);
    assert.match(String(rig.reports[0]?.err), /not in a trusted network/);
  });

  test('who may open a Unix path is trusted', async (t) => {
    const proxyProtocol = { mode: 'required', trusted: ['10.0.0.0/8'] } as const;
    const rig = await startRig(t, whoCalls, { proxyProtocol }, freeAddress(t, 'unix'));
    const expected = '192.0.2.1:56324 to 198.51.100.7:443: hello';
    assert.equal(await answerTo(rig, `${line}hello`, expected.length), expected);
  });
});

/** By another process, while this thread stands still: the reset is there before the accept. */
function writeAndReset(address: string, bytes: string): void {
  const [host, port] = address.split(':');
  const program = `
    const socket = require('node:net').connect(${port}, '${host}', () =>
      socket.write(${JSON.stringify(bytes)}, () => socket.resetAndDestroy()));
  `;
  execFileSync(process.execPath, ['-e', program]);
}

describe('proxyProtocol optional', () => {
  const options: Options = { proxyProtocol: 'optional' };

  test('with a header', async (t) => {
    const expected = '192.0.2.1:56324 to 198.51.100.7:443: hello';
    assert.equal(
      await answerTo(await served(t, options), `${line}hello`, expected.length),
      expected,
    );
  });

  for (const bytes of ['hello', 'PROXIMA', '\r\n\r\nx']) {
    test(`without one: ${JSON.stringify(bytes)} byte by byte is all there`, async (t) => {
      const rig = await served(t, options, { react: (frame) => frame });
      const client = await RawClient.connect(rig.server.addr);
      for (const byte of Buffer.from(bytes)) {
        client.write(Buffer.from([byte]));
        await settle();
      }
      assert.equal((await client.readExactly(bytes.length)).toString(), bytes);
      client.destroy();
    });
  }

  test('an end, or handshakeTimeout, settles what could have become a header', async (t) => {
    const rig = await served(t, { ...options, handshakeTimeout: 50 }, { react: (frame) => frame });
    const first = await RawClient.connect(rig.server.addr);
    first.write(Buffer.from('PROX'));
    first.end();
    assert.equal((await first.readExactly(4)).toString(), 'PROX');
    const second = await RawClient.connect(rig.server.addr);
    second.write(Buffer.from('PRO'));
    assert.equal((await second.readExactly(3)).toString(), 'PRO');
    second.destroy();
  });
});

test('proxyHeader of dial: the server sees for whom we call, with authority, over TCP and Unix', async (t) => {
  for (const transport of ['tcp', 'unix'] as const) {
    const told: Conn['proxied'][] = [];
    const rig = await startRig(
      t,
      { ...whoCalls, onOpened: (c) => void told.push(c.proxied) },
      { proxyProtocol: 'required' },
      freeAddress(t, transport),
    );
    let answer = '';
    const { client } = await startClient(t, {
      react(frame) {
        answer += String(frame);
      },
    });
    const c = await client.dial(
      transport === 'unix' ? `unix://${rig.server.addr}` : rig.server.addr,
      {
        proxyHeader: {
          source: '[2001:db8::1]:7',
          destination: '[2001:db8::2]:8',
          authority: 'example.com',
        },
      },
    );
    c.asyncWrite('hi');
    await waitUntil(() => answer === '[2001:db8::1]:7 to [2001:db8::2]:8: hi', 'the answer');
    assert.equal(told[0]?.authority, 'example.com');
  }
});

describe('beside real proxies and clients', () => {
  for (const [sends, version] of [
    ['send-proxy', 1],
    ['send-proxy-v2', 2],
    ['send-proxy-v2-ssl proxy-v2-options crc32c,unique-id', 2],
  ] as const) {
    test(`HAProxy, ${sends}`, { skip: missing('haproxy') }, async (t) => {
      const versions: unknown[] = [];
      const rig = await served(
        t,
        { proxyProtocol: 'required' },
        { ...whoCalls, onOpened: (c) => void versions.push(c.proxied?.version) },
      );
      const port = await freePort();
      const configuration = join(temporaryDirectory(t), 'haproxy.cfg');
      const withId = sends.includes('unique-id') ? '  unique-id-format %rt\n' : '';
      writeFileSync(
        configuration,
        `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n` +
          `frontend f\n  bind 127.0.0.1:${port}\n${withId}  default_backend b\n` +
          `backend b\n  server s ${rig.server.addr} ${sends}\n`,
      );
      const haproxy = spawn('haproxy', ['-db', '-f', configuration], { stdio: 'ignore' });
      t.after(() => haproxy.kill('SIGKILL'));
      const client = await connectSoon(`127.0.0.1:${port}`);
      client.write(Buffer.from('hello'));
      const expected = `${client.localAddress} to 127.0.0.1:${port}: hello`;
      assert.equal((await client.readExactly(expected.length)).toString(), expected);
      assert.deepEqual(versions, [version]);
      client.destroy();
    });
  }

  test('curl --haproxy-protocol', { skip: missing('curl') }, async (t) => {
    const rig = await served(
      t,
      { proxyProtocol: 'required' },
      {
        react: (_frame, c) => [
          `HTTP/1.1 200 OK\r\nContent-Length: ${c.remoteAddr.length}\r\n\r\n${c.remoteAddr}`,
          1,
        ],
      },
    );
    const url = `http://${rig.server.addr}/`;
    const result = await runClient('curl', ['-sS', '--haproxy-protocol', url]);
    assert.match(result.stdout.toString(), /^127\.0\.0\.1:\d+$/);
  });
});

/** A program that was just started listens a little later. */
async function connectSoon(address: string): Promise<RawClient> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const client = await RawClient.connect(address).catch(() => undefined);
    if (client !== undefined) return client;
    await settle();
  }
  return assert.fail(`nobody listens on ${address}`);
}
