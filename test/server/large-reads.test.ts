/** A message that fills the read buffer is read in a row: later it would have left the core's cache. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Conn } from 'gnet';
import { BytePattern } from '../../testing/byte-pattern.ts';
import { driverName } from '../support/driver.ts';
import { assertSameBytes, connect, startRig } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const kibibyte = 1_024;
const pattern = new BytePattern(7);

/** Bytes that the kernel has received for it and that nobody has read: proc(5), `/proc/net/tcp`. */
function receiveQueueOf(c: Conn): number {
  const portOf = (address: string): string =>
    Number(address.split(':').at(-1)).toString(16).toUpperCase().padStart(4, '0');
  const ends = `:${portOf(c.localAddr)} 0100007F:${portOf(c.remoteAddr)} `;
  const [, behind = ''] = readFileSync('/proc/self/net/tcp', 'latin1').split(ends);
  const [, received = ''] = /^\w+ \w+:(\w+) /.exec(behind) ?? [];
  return Number.parseInt(received, 16);
}

const skip = driverName !== 'epoll' && 'other drivers read in other ways';
test('256 KiB that have arrived are read in one wait or two', { skip }, async (t) => {
  const total = 256 * kibibyte;
  const pieces: Buffer[] = [];
  let received = 0;
  let opened: Conn | undefined;
  /** Numbers of the waits that brought some of it. */
  const waits = new Set<number>();
  const handler = {
    onOpened(c: Conn) {
      opened = c;
      c.pauseRead();
    },
    react(frame: Buffer | null) {
      pieces.push(Buffer.from(frame ?? []));
      received += frame?.length ?? 0;
      waits.add(rig.server.stats().loops[0]?.waits ?? -1);
    },
  };
  const rig = await startRig(t, handler, { socketRecvBuffer: 1_024 * kibibyte });
  const client = await connect(t, rig.server.addr);
  client.write(pattern.slice(0, total));
  await waitUntil(() => opened !== undefined, 'opened');
  await waitUntil(() => receiveQueueOf(opened as Conn) >= total, 'all of it is there');
  opened?.resumeRead();
  await waitUntil(() => received === total, 'all of it');
  assert.ok(waits.size <= 2, `${waits.size} waits`);
  assertSameBytes(Buffer.concat(pieces), pattern.slice(0, total));
});
