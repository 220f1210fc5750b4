/** Sockets and peers of other programs that are not quite what they look like, all of them valid. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { EventHandler } from 'gnet';
import { noDescriptors, notOn } from '../support/driver.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { codeOf, freeAddress, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const python = { skip: missing('python3') || (process.platform !== 'linux' && 'only on Linux') };

const urgent = `
import errno, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    s.send(b'!', socket.MSG_OOB)
except OSError as error:
    sys.exit(errno.errorcode[error.errno])
s.send(b'a')
print(s.recv(9).decode(), end=' ')
s.send(b'bc')
s.send(b'?', socket.MSG_OOB)
s.send(b'd')
s.shutdown(socket.SHUT_WR)
while data := s.recv(9): print(data.decode(), end='')
`;

test('urgent bytes of a Unix peer are left out of its stream, which goes on', python, async (t) => {
  const rig = await startRig(t, { react: (frame) => frame }, {}, freeAddress(t, 'unix'));
  const { code, stdout, stderr } = await runClient('python3', ['-c', urgent, rig.server.addr]);
  if (stderr.trim() === 'EOPNOTSUPP') return t.skip('this kernel has none on Unix sockets');
  assert.equal(code, 0, stderr);
  assert.equal(String(stdout), 'a bcd');
  await waitUntil(() => rig.events.length === 3, 'the close');
  assert.deepEqual(rig.events, ['init', 'open', 'closed']);
});

const supervisor = `
import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
listener.bind(('127.0.0.1', 0))
listener.listen()
with socket.socket(socket.AF_UNIX) as broker:
    broker.connect(sys.argv[1])
    socket.send_fds(broker, [b'x'], [listener.fileno()])
    broker.recv(1)
for protocol in (socket.IPPROTO_TCP, 262):
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    client.connect(listener.getsockname())
    client.send(b'hello')
    print(client.recv(99).decode())
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b''
`;

function multipath(): false | string {
  try {
    return readFileSync('/proc/sys/net/mptcp/enabled', 'latin1').trim() !== '1' && 'it is off here';
  } catch {
    return 'this kernel has none';
  }
}

test('a listener of Multipath TCP, as programs in Go open them, serves both kinds of clients', {
  skip: python.skip || notOn('node', noDescriptors).skip || multipath(),
}, async (t) => {
  const handler: EventHandler = {
    react(frame, c) {
      try {
        c.setUserTimeout(1_000);
      } catch (error) {
        return `${frame} ${codeOf(error)}`;
      }
      return `${frame} tcp`;
    },
  };
  const rig = await startRig(t, handler, {}, freeAddress(t, 'tcp'));
  const broker: EventHandler = {
    react(_frame, c) {
      const listen = rig.server.listen(`fd://${c.receiveDescriptor()}`);
      void listen.then(() => c.close());
    },
  };
  const options = { receiveDescriptors: true };
  const { server } = await startRig(t, broker, options, freeAddress(t, 'unix'));
  const { code, stdout, stderr } = await runClient('python3', ['-c', supervisor, server.addr]);
  assert.equal(code, 0, stderr);
  assert.equal(String(stdout), 'hello tcp\nhello ErrUnsupportedOp\n');
});
