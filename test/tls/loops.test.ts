/** TLS on several loops: sessions go from one to the other, handles write from any thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { LoadBalancing } from 'gnet';
import { notOn } from '../support/driver.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { handlerModule, startLoops } from '../worker/pool-rig.ts';
import { connectTls, identity, readBytes } from './tls-rig.ts';

const options = {
  numEventLoop: 2,
  loadBalancing: LoadBalancing.RoundRobin,
  tls: identity,
} as const;

async function line(socket: TLSSocket): Promise<string> {
  let text = '';
  while (!text.endsWith('\n')) text += (await readBytes(socket, 1)).toString();
  return text.trimEnd();
}

async function land(t: TestScope, address: string, session?: Buffer) {
  let kept = session;
  const socket = await connectTls(t, address, { session });
  socket.on('session', (given) => {
    kept = given;
  });
  const [loop, id] = (await line(socket)).split(' ').map(Number);
  await waitUntil(() => kept !== undefined, 'a session');
  return { socket, loop, id, kept, resumed: socket.isSessionReused() };
}

describe('TLS on several loops', notOn('node', 'it cannot call OpenSSL'), () => {
  test('a session of one loop is resumed on the other, and stats add up', async (t) => {
    const { server } = await startLoops(t, handlerModule('loops.ts'), options);
    const first = await land(t, server.addr);
    assert.equal(first.resumed, false);
    let kept = first.kept;
    const loops = new Set([first.loop]);
    for (let round = 0; round < 3; round++) {
      const next = await land(t, server.addr, kept);
      assert.equal(next.resumed, true);
      kept = next.kept;
      loops.add(next.loop);
      next.socket.destroy();
    }
    assert.equal(loops.size, 2, 'both loops had one');
    await waitUntil(() => server.stats().tls?.handshakes === 4, 'counted');
  });

  test('handles and broadcast reach connections of other loops through TLS', async (t) => {
    const { server } = await startLoops(t, handlerModule('loops.ts'), options);
    const [one, other] = [await land(t, server.addr), await land(t, server.addr)];
    assert.notEqual(one.loop, other.loop);
    one.socket.write(`to ${other.id}`);
    const told = `from loop ${one.loop}`;
    assert.equal((await readBytes(other.socket, told.length)).toString(), told);
    assert.equal((await readBytes(one.socket, 7)).toString(), 'written');
    assert.equal(await server.broadcast('all'), 2);
    for (const { socket } of [one, other]) {
      assert.equal((await readBytes(socket, 3)).toString(), 'all');
    }
  });

  test('a thread that dies with connections: the server goes on, and the rest is typed', async (t) => {
    const { server, reports } = await startLoops(t, handlerModule('loops.ts'), options);
    const [one, other] = [await land(t, server.addr), await land(t, server.addr)];
    // By a reset or by an end: the kernel decides when a thread goes.
    one.socket.on('error', () => {});
    one.socket.write('die');
    one.socket.resume();
    await waitUntil(() => one.socket.destroyed, 'its connection is lost');
    other.socket.write('count');
    assert.match((await readBytes(other.socket, 1)).toString(), /\d/);
    await waitUntil(() => reports.length > 0, 'the death is reported');
    const again = await land(t, server.addr, other.kept);
    assert.equal(again.resumed, true, 'keys outlive the thread');
  });

  test('a module and a function that cannot be sent are refused', async () => {
    const tls = { ...identity, SNICallback: () => {} };
    await assert.rejects(
      startLoops({ after() {} }, handlerModule('loops.ts'), { ...options, tls }),
      /tls\.SNICallback with a handler module/,
    );
  });
});
