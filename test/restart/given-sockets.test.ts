/** Sockets that a process is started with: `fd://N`, `systemd://`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { serve } from 'gnet';
import { foreignInterface, word } from '../../src/ffi/index.ts';
import { describeSocket } from '../../src/driver/node/describe-socket.ts';
import { errnoName } from '../../src/platform/errno.ts';
import { resultOf } from '../../src/syscall/last-errno.ts';
import { emptyInetAddress } from '../../src/syscall/socket-address.ts';
import { bindSocket, listenSocket, openSocket } from '../../src/syscall/socket.ts';
import { constants } from '../../src/syscall/linux/tables.ts';
import { RawClient } from 'gnet/testing';
import { DatagramClient } from '../support/datagram-client.ts';
import { driverName } from '../support/driver.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { type TestScope, temporaryDirectory, text } from '../support/rig.ts';

const given = 'test/restart/programs/given.ts';

/** Not documented: the runtime has no other name for a listener's descriptor. */
function descriptorOf(server: object): number {
  const handle = (server as { _handle?: { fd?: number } })._handle;
  assert.ok(handle?.fd !== undefined && handle.fd > 0);
  return handle.fd;
}

async function listening(t: TestScope, where: object): Promise<Server> {
  const server = createServer();
  server.listen(where);
  await once(server, 'listening');
  t.after(() => server.close());
  return server;
}

async function datagramSocket(): Promise<{
  readonly descriptor: number;
  readonly port: number;
  readonly close: () => void;
}> {
  const socket = createSocket('udp4').bind({ address: '127.0.0.1', port: 0, exclusive: true });
  await once(socket, 'listening');
  const state = Object.getOwnPropertySymbols(socket).find(
    (symbol) => symbol.description === 'state symbol',
  ) as symbol;
  const { handle } = (socket as unknown as Record<symbol, { handle: { fd: number } }>)[state] as {
    handle: { fd: number };
  };
  return { descriptor: handle.fd, port: socket.address().port, close: () => socket.close() };
}

function withDescriptors(
  t: TestScope,
  descriptors: readonly number[],
  args: readonly string[],
): Program {
  return runProgram(t, given, args, { stdio: ['ignore', 'pipe', 'pipe', ...descriptors] });
}

async function answer(address: string, question: string): Promise<string> {
  const client = await RawClient.connect(address);
  client.write(question);
  client.end();
  const bytes = await client.readUntilEnd();
  client.destroy();
  return text(bytes);
}

/** Who the kernel says serves a Unix socket: unix(7), SO_PEERCRED. */
const peerOf = `
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
print(struct.unpack('3i', s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
`;

describe('fd://', () => {
  for (const [kind, where] of [
    ['IPv4', { host: '127.0.0.1', port: 0 }],
    ['IPv6', { host: '::1', port: 0 }],
  ] as const) {
    test(`a listener of ${kind}`, async (t) => {
      const server = await listening(t, where);
      const program = withDescriptors(t, [descriptorOf(server)], ['fd://3']);
      const [address = ''] = await program.line(/^up (\S+)/m);
      server.close();
      assert.equal(await answer(address, 'hello'), `${address} hello`);
      program.kill('SIGTERM');
      assert.equal((await program.ending()).code, 0);
    });
  }

  test('a Unix listener, whose path is left alone', async (t) => {
    const path = join(temporaryDirectory(t), 'given.sock');
    const server = await listening(t, { path });
    const program = withDescriptors(t, [descriptorOf(server)], ['fd://3']);
    const [address = ''] = await program.line(/^up (\S+)/m);
    assert.equal(address, path);
    program.kill('SIGTERM');
    assert.equal((await program.ending()).code, 0);
    assert.ok(existsSync(path));
  });

  const python = missing('python3') || (process.platform !== 'linux' && 'only on Linux');
  test('clients of a Unix listener are told who serves it, and not who opened it', {
    skip: python,
  }, async (t) => {
    const path = join(temporaryDirectory(t), 'given.sock');
    const server = await listening(t, { path });
    const program = withDescriptors(t, [descriptorOf(server)], ['fd://3']);
    await program.line(/^up (\S+)/m);
    const { code, stdout, stderr } = await runClient('python3', ['-c', peerOf, path]);
    assert.equal(code, 0, stderr);
    assert.equal(Number(String(stdout)), program.pid);
  });

  test('a socket for datagrams', async (t) => {
    const { descriptor, close } = await datagramSocket();
    const program = withDescriptors(t, [descriptor], ['fd://3']);
    const [address = ''] = await program.line(/^up (\S+)/m);
    close();
    const client = await DatagramClient.open(t);
    await client.send(address, 'hello');
    assert.equal(text(await client.next()), `${address} hello`);
    program.kill('SIGTERM');
    await program.ending();
  });

  test('what cannot be listened on is refused by name', async (t) => {
    const file = openSync(given, 'r');
    after(() => closeSync(file));
    const server = await listening(t, { host: '127.0.0.1', port: 0 });
    const client = await RawClient.connect(
      `127.0.0.1:${(server.address() as { port: number }).port}`,
    );
    t.after(() => client.destroy());
    const connected = descriptorOf(client.socket);
    const cases: readonly [string, number, RegExp][] = [
      ['a file', file, /refused ErrInvalidNetworkAddress .*ENOTSOCK/],
      ['a connection', connected, /refused ErrInvalidNetworkAddress .*does not listen/],
    ];
    for (const [what, descriptor, expected] of cases) {
      const program = withDescriptors(t, [descriptor], ['fd://3']);
      assert.match((await program.ending()).output, expected, what);
    }
    const unbound = openSocket(constants.AF_INET, constants.SOCK_DGRAM);
    after(() => closeSync(unbound));
    const program = withDescriptors(t, [unbound], ['fd://3']);
    const expected = /refused ErrInvalidNetworkAddress .*bound to no(?: port|thing)/;
    assert.match((await program.ending()).output, expected);
    const none = withDescriptors(t, [], ['fd://999']);
    assert.match((await none.ending()).output, /refused ErrInvalidNetworkAddress .*EBADF/);
    const unnamed = withDescriptors(t, [], ['fd://three']);
    assert.match((await unnamed.ending()).output, /refused ErrInvalidNetworkAddress .*number/);
  });
});

test("a given socket has one owner, and stays the program's where serve fails", async (t) => {
  const sockets = [await listening(t, { host: '127.0.0.1', port: 0 })];
  sockets.push(await listening(t, { host: '127.0.0.1', port: 0 }));
  const busy = await listening(t, { host: '127.0.0.1', port: 0 });
  const { port } = busy.address() as { port: number };
  const program = runProgram(
    t,
    'test/restart/programs/given-again.ts',
    [`tcp://127.0.0.1:${port}`],
    { stdio: ['ignore', 'pipe', 'pipe', ...sockets.map(descriptorOf)] },
  );
  const { output } = await program.ending();
  const told = new Map<string, readonly string[]>();
  for (const line of output.split('\n').filter((one) => one.startsWith('['))) {
    const [what, ...outcomes] = JSON.parse(line) as string[];
    told.set(what as string, outcomes);
  }
  const twice = /^ErrInvalidNetworkAddress .*belongs to a server of this program already/;
  assert.match(told.get('twice in one call')?.[0] ?? output, twice);
  assert.match(told.get('by two names')?.[0] ?? output, twice);
  assert.match(told.get('beside what is taken')?.[0] ?? output, /^EADDRINUSE /);
  const [first, second] = (told.get('two calls at once') ?? []).toSorted();
  assert.match(first ?? output, twice);
  assert.equal(second, 'served', output);
  const closed = /^ErrInvalidNetworkAddress .*has closed the sockets/;
  assert.match(told.get('by name, after it was closed')?.[0] ?? output, closed);
  assert.equal(told.get('the other one')?.[0], 'served', output);
});

describe('a given socket that a failed start has closed is not taken for the next of its number', () => {
  const failing = /network interface|loop \d has no handler/;
  // The runtime's sockets for datagrams have the descriptor before an option is refused.
  const takesFirst = driverName === 'node';
  for (const [way, webIsOpen, adminIsOpen] of [
    ['one loop', false, !takesFirst],
    ['several loops', false, true],
    ['reusePort', false, true],
    ['untouched', true, true],
    ['listen', false, !takesFirst],
    ['listen, several loops', false, !takesFirst],
  ] as const) {
    test(way, async (t) => {
      const web = await listening(t, { host: '127.0.0.1', port: 0 });
      const admin = await datagramSocket();
      t.after(admin.close);
      const program = runProgram(t, 'test/restart/programs/given-failed.ts', [way], {
        stdio: ['ignore', 'pipe', 'pipe', descriptorOf(web), admin.descriptor],
      });
      const { output } = await program.ending();
      const [, told] = /^told (.*)$/m.exec(output) ?? [];
      assert.ok(told !== undefined, output);
      const { failure, isOpen, outcomes } = JSON.parse(told) as {
        readonly failure: string;
        readonly isOpen: readonly boolean[];
        readonly outcomes: readonly string[];
      };
      assert.match(failure, failing);
      assert.deepEqual(isOpen, [webIsOpen, adminIsOpen]);
      const ports = [(web.address() as { port: number }).port, admin.port];
      for (const [at, found] of outcomes.entries()) {
        if (isOpen[at] === true) assert.equal(found, `served 127.0.0.1:${ports[at]}`);
        else assert.match(found, /^ErrInvalidNetworkAddress .*has closed the sockets/);
      }
    });
  }
});

interface Kind {
  readonly name: string;
  readonly family: number;
  readonly type: number;
  readonly protocol?: number;
}

const { AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET } = constants;
const { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW } = constants;
const { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_SCTP, IPPROTO_UDPLITE } = constants;

const otherKinds: readonly Kind[] = [
  { name: 'a Unix datagram socket', family: AF_UNIX, type: SOCK_DGRAM },
  { name: 'a Unix seqpacket socket', family: AF_UNIX, type: SOCK_SEQPACKET },
  { name: 'a netlink socket', family: AF_NETLINK, type: SOCK_RAW },
  // The others need a permission, or a module of the kernel.
  { name: 'a raw socket', family: AF_INET, type: SOCK_RAW, protocol: IPPROTO_ICMP },
  { name: 'a packet socket', family: AF_PACKET, type: SOCK_DGRAM },
  { name: 'an ICMP socket', family: AF_INET, type: SOCK_DGRAM, protocol: IPPROTO_ICMP },
  { name: 'an ICMPv6 socket', family: AF_INET6, type: SOCK_DGRAM, protocol: IPPROTO_ICMPV6 },
  { name: 'a UDP-Lite socket', family: AF_INET, type: SOCK_DGRAM, protocol: IPPROTO_UDPLITE },
  { name: 'an SCTP socket', family: AF_INET, type: SOCK_STREAM, protocol: IPPROTO_SCTP },
];
const openRaw = foreignInterface.lookup('socket', 3);

/** Minus an errno where the machine has no such sockets, or not for this user. */
function openKind(t: TestScope, { family, type, protocol = 0 }: Kind): number {
  const flags = type | constants.SOCK_CLOEXEC;
  const descriptor = resultOf(openRaw(word(family), word(flags), word(protocol)));
  if (descriptor >= 0) t.after(() => closeSync(descriptor));
  return descriptor;
}

describe('a socket of another kind is refused by its name', () => {
  for (const kind of otherKinds) {
    test(kind.name, async (t) => {
      const descriptor = openKind(t, kind);
      if (descriptor < 0) {
        t.skip(`it cannot be opened here: ${errnoName(-descriptor)}`);
        return;
      }
      const server = await serve({}, 'tcp://127.0.0.1:0');
      t.after(() => server.stop());
      // Without system calls an unbound socket is known by no name.
      const unlisted = driverName === 'node' ? '|a socket that is bound to nothing, or .*' : '';
      const name = `(?:${kind.name}${unlisted})`;
      const expected = new RegExp(`descriptor ${descriptor} is ${name}; `);
      await assert.rejects(serve({}, `fd://${descriptor}`), {
        code: 'ErrInvalidNetworkAddress',
        message: expected,
      });
      await assert.rejects(async () => server.adopt(descriptor), {
        code: 'ErrUnsupportedOp',
        message: new RegExp(`descriptor ${descriptor}: it is ${name}; `),
      });
      // It is the caller's still.
      assert.ok(fstatSync(descriptor).isSocket());
    });
  }

  test('nothing is known without system calls and without lists of the system', (t) => {
    const descriptor = openKind(t, otherKinds[0] as (typeof otherKinds)[number]);
    assert.throws(() => describeSocket(descriptor, join(temporaryDirectory(t), 'nowhere')), {
      code: 'ErrUnsupportedOp',
      message: /the driver 'node' knows what it is from \S+ alone, which cannot be read here/,
    });
  });

  test('Multipath TCP is served as TCP', async (t) => {
    const { IPPROTO_MPTCP } = constants;
    const kind = { name: '', family: AF_INET, type: SOCK_STREAM, protocol: IPPROTO_MPTCP };
    const descriptor = openKind(t, kind);
    if (descriptor < 0) {
      t.skip(`it cannot be opened here: ${errnoName(-descriptor)}`);
      return;
    }
    const address = { ...emptyInetAddress(), family: 4 as const, word0: 0x0100007f };
    assert.equal(bindSocket(descriptor, address), 0);
    assert.equal(listenSocket(descriptor, 8), 0);
    const program = withDescriptors(t, [descriptor], ['fd://3']);
    const [up = ''] = await program.line(/^up (\S+)/m);
    assert.equal(await answer(up, 'hello'), `${up} hello`);
    program.kill('SIGTERM');
    await program.ending();
  });
});

describe('systemd://', () => {
  test('all sockets, or those of a name; children of the program do not see them', async (t) => {
    const first = await listening(t, { host: '127.0.0.1', port: 0 });
    const second = await listening(t, { host: '127.0.0.1', port: 0 });
    const both = [descriptorOf(first), descriptorOf(second)];
    const ports = [first, second].map((one) => (one.address() as { port: number }).port);
    const all = withDescriptors(t, both, ['systemd://', 'web:admin']);
    const up = await all.line(/^up (\S+) (\S+) (\S+)/m);
    assert.deepEqual(up, [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`, 'unset']);
    all.kill('SIGTERM');
    await all.ending();
    const one = withDescriptors(t, both, ['systemd://admin', 'web:admin']);
    assert.deepEqual(await one.line(/^up (\S+) (\S+)/m), [`127.0.0.1:${ports[1]}`, 'unset']);
    one.kill('SIGTERM');
    await one.ending();
    const none = withDescriptors(t, both, ['systemd://other', 'web:admin']);
    assert.match((await none.ending()).output, /only 'web', 'admin'/);
  });

  test('a process that was given none says so', async (t) => {
    const program = withDescriptors(t, [], ['systemd://']);
    assert.match((await program.ending()).output, /refused ErrInvalidNetworkAddress .*LISTEN_FDS/);
  });

  const activate = 'systemd-socket-activate';
  const isThere = spawnSync(activate, ['--version']).status === 0;
  const skip = isThere ? false : `${activate} is not installed (package systemd)`;
  test('under the real systemd-socket-activate', { skip }, async (t) => {
    const path = join(temporaryDirectory(t), 'activated.sock');
    const command = [process.execPath, ...nodeFlags, given, 'systemd://web'];
    const environment = process.env['GNET_DRIVER'] ?? driverName;
    const program = new Program(
      t,
      activate,
      [`--listen=${path}`, '--fdname=web', `--setenv=GNET_DRIVER=${environment}`, ...command],
      {},
    );
    await program.line(/Listening on/);
    const client = await RawClient.connect(path);
    client.write('hello');
    client.end();
    assert.equal(text(await client.readUntilEnd()), `${path} hello`);
    assert.match(program.output, new RegExp(`^up ${path} unset`, 'm'));
    program.kill('SIGTERM');
    assert.equal((await program.ending()).code, 0);
  });
});
