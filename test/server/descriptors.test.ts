/** Descriptors that go to other processes, and come from them, over Unix sockets: SCM_RIGHTS. */
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Conn, client, LineBasedFrameCodec, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { driverName, notOn } from '../support/driver.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { nodeFlags, Program, runProgram } from '../support/program.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import {
  codeOf,
  connect,
  freeAddress,
  startRig,
  type TestScope,
  temporaryDirectory,
  text,
} from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const native = notOn('node', 'its sockets read without control messages');
const python = { skip: native.skip || missing('python3') };
const takes = 'test/server/programs/takes-connections.ts';

/** A file, and its number in the file system, by which whoever is given it knows it again. */
function someFile(t: TestScope, name: string): { descriptor: number; inode: number } {
  const descriptor = openSync(join(temporaryDirectory(t), name), 'w');
  t.after(() => {
    try {
      closeSync(descriptor);
    } catch {
      // The test has closed it.
    }
  });
  return { descriptor, inode: fstatSync(descriptor).ino };
}

/** Reads everything: each line of its output is a read, its bytes before, after, and the files that came. */
const reader = `
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b'go')
time.sleep(float(sys.argv[2]))
total = 0
while True:
    data, fds, flags, _ = socket.recv_fds(s, 60000, 300)
    if not data: break
    print(total, total + len(data), flags & socket.MSG_CTRUNC, *[os.fstat(fd).st_ino for fd in fds])
    total += len(data)
    for fd in fds: os.close(fd)
`;

interface Read {
  readonly from: number;
  readonly to: number;
  readonly files: readonly number[];
}

async function readBy(address: string, restSeconds = 0): Promise<Read[]> {
  const { code, stdout, stderr } = await runClient('python3', [
    '-c',
    reader,
    address,
    `${restSeconds}`,
  ]);
  assert.equal(code, 0, stderr);
  const lines = stdout.toString().trim().split('\n');
  return lines.map((line) => {
    const [from = 0, to = 0, cut, ...files] = line.split(' ').map(Number);
    assert.equal(cut, 0);
    return { from, to, files };
  });
}

/** Every file came once, in order, with the read that has the byte which it was sent with. */
function assertCame(reads: readonly Read[], sent: readonly { at: number; inode: number }[]): void {
  assert.deepEqual(
    reads.flatMap(({ files }) => files),
    sent.map(({ inode }) => inode),
  );
  for (const { at, inode } of sent) {
    assert.ok(reads.some(({ from, to, files }) => files.includes(inode) && from <= at && at < to));
  }
}

describe('sendDescriptor', native, () => {
  test(
    'goes with its bytes through a codec, though preWrite flushes what waits',
    python,
    async (t) => {
      const { descriptor, inode } = someFile(t, 'kept');
      const rig = await startRig(
        t,
        {
          preWrite: (c) => c.flush(),
          onOpened(c) {
            c.sendDescriptor(descriptor, 'here');
            c.close();
          },
        },
        { codec: new LineBasedFrameCodec() },
        freeAddress(t, 'unix'),
      );
      const before = openDescriptors();
      assertCame(await readBy(rig.server.addr), [{ at: 0, inode }]);
      await waitUntil(() => rig.events.includes('closed'), 'onClosed');
      await assertNoNewDescriptors(before);
    },
  );

  test('to a program of ours, which goes on with the connection', async (t) => {
    const path = join(temporaryDirectory(t), 'take.sock');
    const program = runProgram(t, takes, [path]);
    await program.line(/^up /m);
    const dialler = await client({ react: () => {} });
    t.after(() => dialler.stop());
    const channel = await dialler.dial(`unix://${path}`);
    const before = openDescriptors();
    const broker = await startRig(t, {
      react(frame, c) {
        const duplicate = c.dup();
        channel.sendDescriptor(duplicate, `take ${frame}`);
        closeSync(duplicate);
        c.destroy();
      },
    });
    const caller = await connect(t, broker);
    caller.write('hello');
    await waitUntil(() => broker.events.includes('closed'), 'the broker has let go');
    caller.write('are you there?');
    const expected = `${program.pid} are you there?`;
    assert.equal(text(await caller.readExactly(expected.length)), expected);
    caller.destroy();
    await broker.server.stop();
    await assertNoNewDescriptors(before);
  });

  test('each with its bytes, in their order, however long they wait', python, async (t) => {
    const files = ['a', 'b', 'c'].map((name) => someFile(t, name));
    const [a, b, c] = files as [(typeof files)[0], (typeof files)[0], (typeof files)[0]];
    const long = Buffer.alloc(2 * 1024 * 1024, 'x');
    const rig = await startRig(
      t,
      {
        react(_frame, conn) {
          conn.asyncWrite('first');
          conn.sendDescriptor(a.descriptor, 'A');
          conn.asyncWrite(long);
          conn.sendDescriptor([b.descriptor, c.descriptor], 'B');
          // Duplicates wait: ours are not needed any more.
          for (const { descriptor } of files) closeSync(descriptor);
          conn.asyncWrite(long);
          conn.sendDescriptor(conn.fd, Buffer.from('D'));
          conn.close();
        },
      },
      {},
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors();
    const reads = await readBy(rig.server.addr, 0.2);
    const own = reads.at(-1)?.files[0] ?? 0;
    const second = 6 + long.length;
    assertCame(reads, [
      { at: 5, inode: a.inode },
      { at: second, inode: b.inode },
      { at: second, inode: c.inode },
      { at: second + 1 + long.length, inode: own },
    ]);
    const closed = new Set(files.map(({ descriptor }) => `${descriptor} `));
    await assertNoNewDescriptors(before.filter((one) => !closed.has(one)));
  });

  test('what is not sent is closed with the connection', async (t) => {
    const { descriptor } = someFile(t, 'file');
    let own: Conn | undefined;
    const rig = await startRig(
      t,
      {
        onOpened(c) {
          own = c;
          c.asyncWrite(Buffer.alloc(4 * 1024 * 1024));
          for (let count = 0; count < 5; count++) c.sendDescriptor(descriptor, 'never');
        },
      },
      {},
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors().length;
    const slow = await RawClient.connect(rig.server.addr);
    slow.socket.pause();
    await waitUntil(() => own !== undefined, 'the connection');
    assert.ok(openDescriptors().length >= before + 5);
    own?.reset();
    slow.destroy();
    await waitUntil(() => openDescriptors().length === before, 'as many descriptors as before');
  });

  test('what cannot be sent is said by name, and sends nothing', async (t) => {
    const { descriptor } = someFile(t, 'file');
    const codes: string[] = [];
    const attempt = (send: () => unknown): void => {
      try {
        send();
        codes.push('sent');
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    };
    const rig = await startRig(
      t,
      {
        onOpened(c) {
          attempt(() => c.sendDescriptor(100_000, 'x'));
          attempt(() => c.sendDescriptor(Array(254).fill(descriptor), 'x'));
          attempt(() => c.sendDescriptor([], 'x'));
          attempt(() => c.sendDescriptor(descriptor, ''));
          attempt(() => c.sendDescriptor(-1, 'x'));
          return 'end';
        },
      },
      {},
      freeAddress(t, 'unix'),
    );
    const peer = await connect(t, rig);
    assert.equal(text(await peer.readExactly(3)), 'end');
    assert.deepEqual(codes.splice(0), ['EBADF', ...Array(4).fill('ErrInvalidOption')]);
    const plain = await startRig(t, {
      onOpened: (c) => {
        attempt(() => c.sendDescriptor(descriptor, 'x'));
        return 'end';
      },
    });
    await (await connect(t, plain)).readExactly(3);
    assert.deepEqual(codes, ['ErrUnsupportedOp']);
  });
});

const sender = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
files = [os.open('/dev/null', os.O_RDONLY) for _ in range(int(sys.argv[2]))]
for size in map(int, sys.argv[3:]):
    data = b'%d\\n' % size
    if size: socket.send_fds(s, [data], files[:size])
    else: s.sendall(data)
s.shutdown(socket.SHUT_WR)
s.recv(1)
`;

/** Says how many came with each line, from Python. */
async function sendBy(address: string, open: number, sizes: readonly number[]): Promise<void> {
  const args = ['-c', sender, address, `${open}`, ...sizes.map(String)];
  const { code, stderr } = await runClient('python3', args);
  assert.equal(code, 0, stderr);
}

describe('receiveDescriptor', native, () => {
  test('as many as came with each message, and none is left open', python, async (t) => {
    const came: number[] = [];
    const rig = await startRig(
      t,
      {
        react(frame, c) {
          // A message says how many it brings; those of a later one may be there already.
          const wanted = String(frame).trim().split('\n').map(Number);
          for (const count of wanted) {
            let found = 0;
            while (found < count) {
              const descriptor = c.receiveDescriptor();
              if (descriptor < 0) break;
              closeSync(descriptor);
              found++;
            }
            came.push(found);
          }
        },
      },
      { receiveDescriptors: true },
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors();
    const sizes = [1, 0, 2, 253, 0, 3];
    await sendBy(rig.server.addr, 253, sizes);
    assert.deepEqual(came, sizes);
    await assertNoNewDescriptors(before);
  });

  test('those that nobody takes are closed with the connection', python, async (t) => {
    let most = 0;
    const rig = await startRig(
      t,
      {
        react() {
          most = Math.max(most, openDescriptors().length);
        },
      },
      { receiveDescriptors: true },
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors();
    await sendBy(rig.server.addr, 50, [50, 50]);
    assert.ok(most >= before.length + 50);
    await assertNoNewDescriptors(before);
  });

  test('a peer that sends more than anybody takes is closed', python, async (t) => {
    const errors: (string | undefined)[] = [];
    const rig = await startRig(
      t,
      { onClosed: (_c, error) => void errors.push((error as { code?: string } | undefined)?.code) },
      { receiveDescriptors: true },
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors();
    await runClient('python3', ['-c', sender, rig.server.addr, '253', ...Array(5).fill('253')]);
    await waitUntil(() => errors.length === 1, 'the close');
    assert.deepEqual(errors, ['ETOOMANYREFS']);
    await assertNoNewDescriptors(before);
  });

  test(
    'more than the process may have open: the connection fails with EMFILE',
    python,
    async (t) => {
      const path = join(temporaryDirectory(t), 'take.sock');
      const command = [process.execPath, ...nodeFlags, takes, path].join(' ');
      const program = new Program(t, 'sh', ['-c', `ulimit -n 100; exec ${command}`], {});
      await program.line(/^up /m);
      const open = (): number => readdirSync(`/proc/${program.pid}/fd`).length;
      const before = open();
      await runClient('python3', ['-c', sender, path, '200', '200']);
      assert.deepEqual(await program.line(/^closed (.*)$/m), ['EMFILE']);
      await waitUntil(() => open() === before, 'nothing is left open');
    },
  );

  test('without the option the kernel closes what comes', python, async (t) => {
    const found: number[] = [];
    const rig = await startRig(
      t,
      { react: (_frame, c) => void found.push(c.receiveDescriptor()) },
      {},
      freeAddress(t, 'unix'),
    );
    const before = openDescriptors();
    await sendBy(rig.server.addr, 3, [3]);
    assert.deepEqual(found, [-1]);
    await assertNoNewDescriptors(before);
  });
});

/** The option came with Linux 6.16, after the constants of this Python. */
const unwilling = `
import errno, socket, sys
SO_PASSRIGHTS = 83
s = socket.socket(socket.AF_UNIX)
try:
    s.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 0)
except OSError as error:
    sys.exit(errno.errorcode[error.errno])
s.connect(sys.argv[1])
s.sendall(b'go')
while s.recv(99): pass
`;

test('a peer that takes no descriptors fails the connection alone, by name', python, async (t) => {
  const { descriptor } = someFile(t, 'unwanted');
  const rig = await startRig(
    t,
    { react: (_frame, c) => void c.sendDescriptor(descriptor, 'x') },
    {},
    freeAddress(t, 'unix'),
  );
  const before = openDescriptors();
  const { code, stderr } = await runClient('python3', ['-c', unwilling, rig.server.addr]);
  if (stderr.trim() === 'ENOPROTOOPT') return t.skip('this kernel lets nobody refuse descriptors');
  assert.equal(code, 0, stderr);
  await waitUntil(() => rig.closeErrors.length === 1, 'the close');
  const [error] = rig.closeErrors;
  assert.equal(codeOf(error), 'EPERM');
  assert.match((error as Error).message, /takes no descriptors \(SO_PASSRIGHTS\)/);
  await assertNoNewDescriptors(before);
});

test('the driver node says why it cannot', { skip: driverName !== 'node' }, async (t) => {
  const address = freeAddress(t, 'unix');
  const refused = { code: 'ErrUnsupportedOp', message: /driver '?node/ };
  await assert.rejects(serve({}, address, { receiveDescriptors: true }), refused);
  const errors: unknown[] = [];
  const rig = await startRig(
    t,
    {
      onOpened(c) {
        for (const call of [() => c.sendDescriptor(0, 'x'), () => c.receiveDescriptor()]) {
          try {
            call();
          } catch (error) {
            errors.push((error as { code: string }).code);
          }
        }
        return 'end';
      },
    },
    {},
    address,
  );
  await (await connect(t, rig)).readExactly(3);
  assert.deepEqual(errors, ['ErrUnsupportedOp', 'ErrUnsupportedOp']);
});
