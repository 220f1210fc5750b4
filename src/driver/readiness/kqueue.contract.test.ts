import { test } from 'node:test';
import { refusalOf } from '../../../test/support/driver.ts';
import { driverContract } from '../../../testing/driver-contract.ts';
import { RawPeers } from '../../../testing/raw-peers.ts';

const { bun, deno } = process.versions;
/** Bun and Deno cannot give its loops their turns, so that servers there do without; it works alone. */
const isAlone = (bun ?? deno) !== undefined && Boolean(process.env['GNET_STAND_IN']);
const skip = !isAlone && (await refusalOf('kqueue'));
if (skip === false) {
  const { createKqueueDriver } = await import('./kqueue.ts');
  driverContract('kqueue', (events, readBufferBytes) => ({
    driver: createKqueueDriver(events, { readBufferBytes, headroomBytes: 64 }),
    peers: new RawPeers(),
  }));
} else {
  test('the kqueue driver keeps the contract', { skip }, () => {});
}
