/**
 * One connection with TLS for whose n-th slab there is no memory, as mmap(2) says it, for every n: it
 * fails alone, and says of what. The same for either engine.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mock, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { Conn, EventHandler } from 'gnet';
import { SyscallError } from '../../src/base/errors.ts';
import { SlabPool } from '../../src/buffer/slab.ts';
import type { Rig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { beginTls, connectTls, readBytes, startTls } from './tls-rig.ts';

/** More than a kernel takes of an answer that nobody reads. */
const largeBytes = 8_000_000;
/** Beyond so many slabs of a large answer only every so manieth is tried: the rest are like these. */
const eachUntil = 12;
const stepBeyond = 67;

/** The `n`-th slab that is taken from now on is not there. Says whether it came to that. */
function failTake(n: number): { readonly failed: boolean; restore(): void } {
  let taken = 0;
  const real = SlabPool.prototype.take;
  const state = { failed: false, restore: () => mocked.mock.restore() };
  const mocked = mock.method(SlabPool.prototype, 'take', function take(this: SlabPool) {
    if (taken++ !== n) return real.call(this);
    state.failed = true;
    const message = `cannot map ${this.slabBytes} bytes: out of memory (mmap: ENOMEM)`;
    throw new SyscallError('ENOMEM', message, { syscall: 'mmap', errno: 12 });
  });
  return state;
}

/** A small answer, a large one that is read late, and an end; or as much of it as there is memory for. */
async function live(socket: TLSSocket, isOver: Promise<unknown>): Promise<void> {
  const opened = once(socket, 'secureConnect').then(() => true);
  if ((await Promise.race([opened, isOver.then(() => false)]).catch(() => false)) === false) return;
  socket.write('hello');
  const answered = readBytes(socket, 5).catch(() => Buffer.alloc(0));
  if ((await answered).length < 5) return;
  socket.write('large');
  await readBytes(socket, largeBytes).catch(() => {});
  socket.end();
}

const handler: EventHandler = {
  react(frame, c: Conn) {
    if (String(frame) !== 'large') return frame;
    c.asyncWrite(Buffer.alloc(largeBytes, 'l'));
    return null;
  },
};

async function liveWithout(rig: Rig, n: number, t: Parameters<typeof beginTls>[0]) {
  const before = rig.events.length;
  const reports = rig.reports.length;
  const fault = failTake(n);
  const socket = beginTls(t, rig.server.addr);
  const isOver = new Promise((resolve) => socket.once('close', resolve));
  await Promise.race([live(socket, isOver), isOver]);
  await isOver;
  fault.restore();
  await waitUntil(
    () => rig.server.stats().loops[0]?.connections === 1,
    'it is gone, and the other is not',
  );
  const told = rig.events.slice(before);
  if (told.length === 0) {
    const [report] = rig.reports.slice(reports);
    assert.match(String(report?.err), /ENOMEM/, 'it failed in the handshake');
  } else {
    assert.equal(told.length, 2, `slab ${n}: ${told}`);
    if (told[1] !== 'closed') assert.match(`${told[1]}`, /ENOMEM/, `slab ${n}`);
  }
  return { fault, told };
}

export function lacksMemory(engine: string): void {
  test(`${engine}: without memory for a slab a connection fails alone, whichever it is`, async (t) => {
    const rig = await startTls(t, handler);
    const bystander = await connectTls(t, rig.server.addr);
    const echoes = async (when: string): Promise<void> => {
      bystander.write('hello');
      assert.equal(String(await readBytes(bystander, 5)), 'hello', when);
    };
    await echoes('before');
    let broken = 0;
    for (let n = 0; ; n += n < eachUntil ? 1 : stepBeyond) {
      const { fault, told } = await liveWithout(rig, n, t);
      if (!fault.failed) break;
      if (told[1] !== 'closed') broken++;
      await echoes(`slab ${n}`);
    }
    assert.ok(broken > 0, 'it came to that');
  });
}
