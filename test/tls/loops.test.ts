/** TLS on several loops: sessions go from one to the other, handles write from any thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { LoadBalancing } from 'gnet';
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

/** Two connections that different loops have: where loops listen apart, the kernel decides. */
async function landOnBoth(t: TestScope, address: string) {
  const one = await land(t, address);
  for (let tries = 0; tries < triesMax; tries++) {
    const other = await land(t, address);
    if (other.loop !== one.loop) return { one, other };
    other.socket.destroy();
  }
  throw new Error(`one loop had ${triesMax} connections in a row`);
}

/** With two loops, one has all of them once in 2^64 runs. */
const triesMax = 64;

describe('TLS on several loops', () => {
  test('a session of one loop is resumed on the other, and stats add up', async (t) => {
    const { server } = await startLoops(t, handlerModule('loops.ts'), options);
    const first = await land(t, server.addr);
    assert.equal(first.resumed, false);
    let kept = first.kept;
    const loops = new Set([first.loop]);
    let count = 1;
    while (count < 4 || (loops.size < 2 && count < triesMax)) {
      const next = await land(t, server.addr, kept);
      count++;
      assert.equal(next.resumed, true);
      kept = next.kept;
      loops.add(next.loop);
      next.socket.destroy();
    }
    assert.equal(loops.size, 2, 'both loops had one');
    await waitUntil(() => server.stats().tls?.handshakes === count, 'counted');
  });

  test('handles and broadcast reach connections of other loops through TLS', async (t) => {
    const { server } = await startLoops(t, handlerModule('loops.ts'), options);
    const { one, other } = await landOnBoth(t, server.addr);
    one.socket.write(`to ${other.id}`);
    const told = `from loop ${one.loop}`;
    assert.equal((await readBytes(other.socket, told.length)).toString(), told);
    assert.equal((await readBytes(one.socket, 7)).toString(), 'written');
    await waitUntil(() => server.countConnections() === 2, 'only these');
    assert.equal(await server.broadcast('all'), 2);
    for (const { socket } of [one, other]) {
      assert.equal((await readBytes(socket, 3)).toString(), 'all');
    }
  });

  test('a thread that dies with connections: the server goes on, and the rest is typed', async (t) => {
    const { server, reports } = await startLoops(t, handlerModule('loops.ts'), options);
    const { one, other } = await landOnBoth(t, server.addr);
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
