/** What programs do with connections and servers, where the connections have TLS. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Conn } from 'gnet';
import { driverName, noDescriptors, notOn } from '../support/driver.ts';
import { codeOf, EchoHandler, freeAddress, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { connectTls, readBytes, secure, startTls } from './tls-rig.ts';

/** A connection that this process has accepted and that belongs to nobody: its number. */
async function strayConnection(t: TestScope): Promise<{ near: Socket; descriptor: number }> {
  const { duplicateDescriptor } = await import('../../src/syscall/descriptor.ts');
  const listener = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  t.after(() => listener.close());
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const near = connectPlain((listener.address() as { port: number }).port, '127.0.0.1');
  near.on('error', () => {});
  t.after(() => near.destroy());
  const [far] = await accepted;
  const { fd } = (far as unknown as { _handle: { fd: number } })._handle;
  const descriptor = duplicateDescriptor(fd);
  far.destroy();
  await once(far, 'close');
  return { near, descriptor };
}

describe('with TLS', () => {
  test('what server.adopt takes shakes hands first', notOn('node', noDescriptors), async (t) => {
    const rig = await startTls(t, new EchoHandler());
    const { near, descriptor } = await strayConnection(t);
    await rig.server.adopt(descriptor);
    assert.deepEqual(rig.events, ['init']);
    const socket = secure(t, near);
    await once(socket, 'secureConnect');
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    assert.deepEqual(rig.events, ['init', 'open']);
  });

  test('sendDescriptor is refused by name, and the connection goes on', async (t) => {
    const codes: string[] = [];
    const handler = {
      react(frame: Buffer | null, c: Conn) {
        try {
          c.sendDescriptor(0, 'x');
        } catch (error) {
          codes.push(codeOf(error));
        }
        return frame;
      },
    };
    const address = driverName === 'node' ? 'tls://127.0.0.1:0' : freeAddress(t, 'unix');
    const rig = await startTls(t, handler, {}, address);
    const socket = await connectTls(t, rig.server.addr);
    socket.write('hello');
    assert.equal((await readBytes(socket, 5)).toString(), 'hello');
    assert.deepEqual(codes, ['ErrUnsupportedOp']);
    socket.destroy();
    await waitUntil(() => rig.events.length === 3, 'closed');
  });
});
