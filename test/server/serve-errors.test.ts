/** What `serve` refuses: each time a typed error that says what to do, and nothing left open. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { type GnetError, type Options, serve, stop } from 'gnet';
import { RawClient } from 'gnet/testing';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { runProgram } from '../support/program.ts';
import { connect, EchoHandler, startRig, temporaryDirectory, text } from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

const echo = { react: (frame: Buffer | null) => frame };

/** What the first server of a process opens for good: the runtime's own descriptors. */
before(async () => {
  await (await serve({}, 'tcp://127.0.0.1:0')).close();
});

interface Expected {
  readonly code: string;
  readonly syscall?: string;
  readonly address?: string;
  /** The hint. */
  readonly message: RegExp;
}

async function assertRefused(
  address: string | readonly string[],
  expected: Expected,
  options: Options = {},
): Promise<void> {
  const descriptors = openDescriptors();
  await assert.rejects(serve(echo, address, options), (error: GnetError) => {
    assert.equal(error.code, expected.code);
    assert.equal(error.name, expected.syscall === undefined ? expected.code : 'SyscallError');
    assert.equal(error.syscall, expected.syscall);
    if (expected.syscall !== undefined) assert.equal(typeof error.errno, 'number');
    if (expected.address !== undefined) assert.equal(error.address, expected.address);
    assert.match(error.message, expected.message);
    return true;
  });
  await assertNoNewDescriptors(descriptors);
}

describe('addresses that mean nothing', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['tulip://howdy', 'ErrUnsupportedProtocol', /use one of tcp, tcp4/],
    ['howdy', 'ErrInvalidNetworkAddress', /the port is missing/],
    ['tcp://127.0.0.1', 'ErrInvalidNetworkAddress', /the port is missing/],
    ['tcp://a://b', 'ErrInvalidNetworkAddress', /'tcp:\/\/a:\/\/b'/],
    ['tcp://127.0.0.1:99999', 'ErrInvalidNetworkAddress', /port from 0 to 65535/],
    ['tcp://127.0.0.1:-1', 'ErrInvalidNetworkAddress', /number from 0 to 65535/],
    ['tcp://localhost:8080/foo', 'ErrInvalidNetworkAddress', /no path/],
    ['tcp://127.0.0.1:0\n', 'ErrInvalidNetworkAddress', /control character/],
    ['tcp://::1:9000', 'ErrInvalidNetworkAddress', /\[::1\]:9000/],
    ['tcp6://127.0.0.1:0', 'ErrInvalidNetworkAddress', /no suitable address/],
    ['tcp4://[::1]:0', 'ErrInvalidNetworkAddress', /no suitable address/],
    ['tcp://no-such-host.invalid:0', 'ErrInvalidNetworkAddress', /could not be looked up/],
    [`unix:///tmp/${'x'.repeat(120)}`, 'ErrInvalidNetworkAddress', /shorter or a relative path/],
  ];
  for (const [address, code, message] of cases) {
    test(JSON.stringify(address.slice(0, 40)), async () => {
      await assertRefused(address, { code, message, address: address.replace('\n', '\\n') });
    });
  }

  test('none at all, and no string', async () => {
    await assertRefused([], { code: 'ErrInvalidNetworkAddress', message: /at least one/ });
    await assertRefused([5 as never], { code: 'ErrInvalidNetworkAddress', message: /a string/ });
  });

  test('one bad among good ones: none is opened', async () => {
    const message = /use one of/;
    await assertRefused(['tcp://127.0.0.1:0', 'tulip://x'], {
      code: 'ErrUnsupportedProtocol',
      message,
    });
  });
});

describe('addresses that cannot be had', () => {
  test('a TCP port in use, and the others of the same call are closed again', async (t) => {
    const rig = await startRig(t, echo);
    const { addr: address } = rig.server;
    const expected = {
      code: 'EADDRINUSE',
      syscall: 'bind',
      address,
      message: /cannot listen on .*; /,
    };
    await assertRefused(`tcp://${address}`, expected);
    await assertRefused(['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', address], expected);
    const client = await connect(t, rig);
    client.write('still there');
    await client.readExactly(11);
  });

  test('an address of another machine', async () => {
    const address = '192.0.2.1:0';
    const message = /cannot listen on 192\.0\.2\.1:0.*; /;
    await assertRefused(address, { code: 'EADDRNOTAVAIL', syscall: 'bind', address, message });
  });

  test('a Unix path in a directory that is not there', async (t) => {
    const address = join(temporaryDirectory(t), 'missing', 'a.sock');
    const message = /directory/;
    const expected = { code: 'ENOENT', syscall: 'bind', address, message };
    await assertRefused(`unix://${address}`, expected);
  });

  for (const [name, make] of [
    ['a file', (path: string) => writeFileSync(path, 'content')],
    ['a directory', (path: string) => mkdirSync(path)],
  ] as const) {
    test(`a Unix path that is ${name}: it is left alone`, async (t) => {
      const address = join(temporaryDirectory(t), 'taken');
      make(address);
      const expected = { code: 'EADDRINUSE', syscall: 'bind', address, message: /; / };
      await assertRefused(`unix://${address}`, expected);
      assert.ok(existsSync(address));
      if (name === 'a file') assert.equal(readFileSync(address, 'utf8'), 'content');
    });
  }

  test('a Unix socket on which somebody listens: it goes on', async (t) => {
    const address = join(temporaryDirectory(t), 'live.sock');
    const rig = await startRig(t, echo, {}, `unix://${address}`);
    const expected = { code: 'EADDRINUSE', syscall: 'bind', address, message: /; / };
    await assertRefused(`unix://${address}`, expected);
    const client = await connect(t, rig);
    client.write('alive');
    assert.equal(text(await client.readExactly(5)), 'alive');
  });

  test('an abstract name in use', async (t) => {
    const address = `@gnet-test-${process.pid}`;
    await startRig(t, echo, {}, `unix://${address}`);
    await assertRefused(`unix://${address}`, {
      code: 'EADDRINUSE',
      syscall: 'bind',
      address,
      message: /cannot listen on/,
    });
  });
});

describe('what another user may not do', () => {
  const nobody = 65_534;
  const privilegedBelow = Number(
    readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'),
  );
  const notRoot = process.getuid?.() === 0 ? false : 'needs root to become another user';

  async function refusal(t: Parameters<typeof runProgram>[0], address: string) {
    const options = { uid: nobody, gid: nobody, env: { PATH: process.env['PATH'] } };
    const program = runProgram(t, 'test/server/programs/try-to-serve.ts', [address], options);
    const [json] = await program.line(/^refused (.*)$/m);
    assert.equal((await program.ending()).code, 0);
    return JSON.parse(json as string) as {
      code: string;
      syscall: string;
      address: string;
      message: string;
      newDescriptors: string[];
    };
  }

  test('listen on a port that is reserved for the administrator', {
    skip: notRoot || (privilegedBelow <= 1 ? 'every port is free for everybody here' : false),
  }, async (t) => {
    const error = await refusal(t, 'tcp://127.0.0.1:1');
    assert.equal(error.code, 'EACCES');
    assert.equal(error.syscall, 'bind');
    assert.equal(error.address, '127.0.0.1:1');
    assert.match(error.message, /; /);
    assert.deepEqual(error.newDescriptors, []);
  });

  test('make a Unix socket in a directory of somebody else', { skip: notRoot }, async (t) => {
    const directory = temporaryDirectory(t); // mode 0700
    const error = await refusal(t, `unix://${join(directory, 'a.sock')}`);
    assert.equal(error.code, 'EACCES');
    assert.equal(error.syscall, 'bind');
    assert.equal(error.address, join(directory, 'a.sock'));
    assert.match(error.message, /; /);
    assert.deepEqual(error.newDescriptors, []);
  });
});

describe('Unix paths', () => {
  test('a stale socket file is replaced; case is kept; the path is gone after stop', async (t) => {
    const path = join(temporaryDirectory(t), 'Stale.Sock');
    const program = runProgram(t, 'test/server/programs/try-to-serve.ts', [`unix://${path}`]);
    await program.line(/^listening/m);
    program.kill('SIGKILL');
    await program.ending();
    assert.ok(statSync(path).isSocket());
    const rig = await startRig(t, echo, {}, `unix://${path}`);
    assert.equal(rig.server.addr, path);
    const client = await connect(t, rig);
    client.write('x');
    await client.readExactly(1);
    client.end();
    await rig.server.stop();
    assert.equal(existsSync(path), false);
  });

  test('a path that became somebody else’s is left alone', async (t) => {
    const path = join(temporaryDirectory(t), 'other.sock');
    const rig = await startRig(t, echo, {}, `unix://${path}`);
    rmSync(path);
    const other = createServer().listen(path);
    t.after(() => other.close());
    await waitUntil(() => existsSync(path), 'the other socket');
    await rig.server.stop();
    assert.ok(existsSync(path));
  });

  test('abstract names, and a name that the kernel picks', async (t) => {
    const name = `@gnet-test-${process.pid}-abstract`;
    const rig = await startRig(t, echo, {}, [`unix://${name}`, 'unix://']);
    const [given, picked] = rig.server.addrs as [string, string];
    assert.equal(given, name);
    assert.match(picked, /^@.+/);
    for (const address of [given, picked]) {
      const client = await connect(t, address);
      client.write('x');
      assert.equal(text(await client.readExactly(1)), 'x');
    }
  });

  test('a peer without a name is @', async (t) => {
    const handler = new EchoHandler();
    const path = join(temporaryDirectory(t), 'a.sock');
    const rig = await startRig(t, handler, {}, `unix://${path}`);
    await connect(t, rig);
    await waitUntil(() => handler.connections.length === 1, 'onOpened');
    assert.equal(handler.connections[0]?.remoteAddr, '@');
    assert.equal(handler.connections[0]?.localAddr, path);
  });
});

describe('families and ports', () => {
  const refused = { code: 'ECONNREFUSED' };
  const portOf = (address: string): string => /:(\d+)$/.exec(address)?.[1] ?? '';

  for (const [address, form, on4, on6] of [
    ['tcp://:0', /^\[::\]:\d+$/, true, true],
    ['', /^\[::\]:\d+$/, true, true],
    ['TCP://127.0.0.1:0', /^127\.0\.0\.1:\d+$/, true, false],
    ['tcp4://:0', /^0\.0\.0\.0:\d+$/, true, false],
    ['tcp6://:0', /^\[::\]:\d+$/, false, true],
    ['tcp://[::]:0', /^\[::\]:\d+$/, false, true],
    ['tcp://[::1]:0', /^\[::1\]:\d+$/, false, true],
    ['tcp://localhost:0', /^127\.0\.0\.1:\d+$/, true, false],
  ] as const) {
    test(`'${address}': IPv4 ${on4}, IPv6 ${on6}, with its real port`, async (t) => {
      const handler = new EchoHandler();
      const rig = await startRig(t, handler, {}, address);
      assert.match(rig.server.addr, form);
      const port = portOf(rig.server.addr);
      assert.notEqual(port, '0');
      for (const [host, works] of [
        ['127.0.0.1', on4],
        ['[::1]', on6],
      ] as const) {
        if (!works) {
          await assert.rejects(RawClient.connect(`${host}:${port}`), refused);
          continue;
        }
        const client = await connect(t, `${host}:${port}`);
        client.write('x');
        await client.readExactly(1);
        const c = handler.connections.at(-1);
        assert.equal(c?.remoteAddr, client.localAddress, 'IPv4 peers look like IPv4 peers');
        assert.equal(c?.localAddr, `${host}:${port}`);
      }
    });
  }

  test('a port can be had again right after stop', async (t) => {
    const rig = await startRig(t, echo);
    const client = await connect(t, rig);
    await rig.server.close();
    client.destroy();
    const again = await startRig(t, echo, {}, rig.server.addr);
    assert.equal(again.server.addr, rig.server.addr);
  });

  test('reusePort lets two servers share a port', async (t) => {
    const first = await startRig(t, echo, { reusePort: true });
    const second = await startRig(t, echo, { reusePort: true }, first.server.addr);
    assert.equal(first.server.addr, second.server.addr);
    assert.equal(first.server.reusePort, true);
    for (let count = 0; count < 40; count++) {
      const client = await connect(t, first);
      client.write('x');
      await client.readExactly(1);
    }
    const [one, two] = [first, second].map((rig) => rig.server.stats().loops[0]?.accepted ?? 0);
    assert.equal((one ?? 0) + (two ?? 0), 40);
  });
});

describe('options and operations that are refused', () => {
  const invalid: readonly [Record<string, unknown>, RegExp][] = [
    [{ backlog: 0 }, /from 1 to 65535/],
    [{ tickr: true }, /is it ticker\?/],
    [{ graceful: { signal: 'SIGTERM' } }, /graceful.signal.*'SIGUSR2'/],
    [{ graceful: { readyTimout: 5 } }, /is it readyTimeout\?/],
    [{ highWaterMark: 1, lowWaterMark: 2 }, /lowWaterMark/],
    [{ codec: {} }, /encode\(c, buf\) and decode\(c\)/],
    [{ overflow: 'drop' }, /'pause', 'close', 'none'/],
    [{ idleTimeout: 'long' }, /milliseconds/],
    [{ logger: {} }, /debug, info, warn and error/],
    [{ tls: {} }, /cert/],
  ];
  for (const [options, message] of invalid) {
    test(`${JSON.stringify(options)} is ErrInvalidOption`, async () => {
      await assertRefused('tcp://127.0.0.1:0', { code: 'ErrInvalidOption', message }, options);
    });
  }

  test('a handler that is none', async () => {
    for (const handler of [null, 5, 'echo', { react: 'echo' }]) {
      await assert.rejects(serve(handler as never, 'tcp://:0'), { code: 'ErrInvalidOption' });
    }
  });

  test('sendTo of a stream, and upgradeTls without a certificate', async (t) => {
    const handler = new EchoHandler();
    const rig = await startRig(t, handler);
    await connect(t, rig);
    await waitUntil(() => handler.connections.length === 1, 'onOpened');
    const c = handler.connections[0];
    assert.throws(() => c?.sendTo('x'), { code: 'ErrUnsupportedOp' });
    await assert.rejects(async () => c?.upgradeTls({}), { code: 'ErrInvalidOption' });
  });

  test('stop of an address that nobody serves', async () => {
    await assert.rejects(stop('tcp://127.0.0.1:1'), {
      code: 'ErrServerInShutdown',
      address: 'tcp://127.0.0.1:1',
    });
  });
});

describe('ids, signals, block', () => {
  test('a handle writes, wakes and closes; a stale id is ErrConnClosed', async (t) => {
    const handler = new EchoHandler();
    const woken = { react: (frame: Buffer | null) => frame ?? 'woken' };
    const rig = await startRig(t, {
      onOpened: (c) => handler.onOpened(c),
      react: woken.react,
    });
    const client = await connect(t, rig);
    await waitUntil(() => handler.connections.length === 1, 'onOpened');
    const { id } = handler.connections[0] as { id: number };
    assert.equal(structuredClone(id), id);
    const handle = rig.server.conn(id);
    assert.equal(handle.id, id);
    await handle.write('written ');
    handle.wake();
    assert.equal(text(await client.readExactly(13)), 'written woken');
    handle.close();
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => rig.server.countConnections() === 0, 'the close');
    await settle(5);
    const next = await connect(t, rig);
    await waitUntil(() => handler.connections.length === 2, 'the slot is used again');
    assert.notEqual(handler.connections[1]?.id, id);
    const stale = { code: 'ErrConnClosed' };
    assert.throws(() => rig.server.conn(id), stale);
    await assert.rejects(handle.write('late'), stale);
    handle.wake();
    handle.close();
    for (const never of [0, -1, 12_345, Number.NaN, 2 ** 53, '1' as never]) {
      assert.throws(() => rig.server.conn(never), stale);
    }
    next.write('x');
    assert.equal(text(await next.readExactly(1)), 'x');
  });

  test('broadcast reaches every open connection', async (t) => {
    const rig = await startRig(t, echo);
    const clients = [await connect(t, rig), await connect(t, rig), await connect(t, rig)];
    await waitUntil(() => rig.server.countConnections() === 3, 'three');
    assert.equal(await rig.server.broadcast('all'), 3);
    for (const client of clients) assert.equal(text(await client.readExactly(3)), 'all');
  });

  test('a signal that is aborted already: serve rejects and opens nothing', async () => {
    const descriptors = openDescriptors();
    const signal = AbortSignal.abort(new Error('mine'));
    await assert.rejects(serve(echo, 'tcp://127.0.0.1:0', { signal }), /mine/);
    await assertNoNewDescriptors(descriptors);
  });

  test('a signal that aborts stops the server', async (t) => {
    const controller = new AbortController();
    const rig = await startRig(t, echo, { signal: controller.signal });
    const client = await connect(t, rig);
    controller.abort();
    await client.readUntilEnd();
    client.end();
    await rig.server.closed;
    assert.deepEqual(rig.events, ['init', 'open', 'closed', 'shutdown']);
  });

  test('block: serve settles at shutdown', async () => {
    const events: string[] = [];
    const handler = {
      onInitComplete(server: { stop(): Promise<unknown> }) {
        setTimeout(() => {
          events.push('stop');
          void server.stop();
        }, 20);
      },
      onShutdown: () => void events.push('shutdown'),
    };
    const server = await serve(handler, 'tcp://127.0.0.1:0', { block: true });
    events.push('settled');
    assert.deepEqual(events, ['stop', 'shutdown', 'settled']);
    await server.closed;
  });
});
