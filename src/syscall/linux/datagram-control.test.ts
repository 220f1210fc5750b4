import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHost, inetAddress } from '../../base/inet-address.ts';
import { controlBytesMax, emptyControl, readControl, writeControl } from '../datagram-control.ts';
import { constants, layouts } from './tables.ts';

const offset = 24;
const view = new DataView(new ArrayBuffer(offset + controlBytesMax));

function roundTrip(family: 4 | 6, host: string, scope = 0) {
  const local = { ...inetAddress(family, host, 9_000), scope };
  const length = writeControl(view, offset, local);
  const control = emptyControl();
  control.overflowed = 7;
  readControl(view, offset, length, control);
  return { host: formatHost(control.local), ...control };
}

test('an address goes and comes back; the port does not', () => {
  for (const [family, host] of [
    [4, '127.0.0.2'],
    [4, '255.254.253.252'],
    [6, '::1'],
    [6, 'fd00:1:2:3:4:5:6:7'],
  ] as const) {
    const { host: found, local, overflowed } = roundTrip(family, host);
    assert.equal(found, host);
    assert.equal(local.family, family);
    assert.equal(local.scope, 0);
    assert.equal(overflowed, -1);
  }
});

test('the interface is kept where the address alone does not say it: link-local ones', () => {
  assert.equal(roundTrip(6, 'fe80::1', 3).local.scope, 3);
  assert.equal(roundTrip(6, 'febf::1', 3).local.scope, 3);
  assert.equal(roundTrip(4, '169.254.1.2', 3).local.scope, 3);
  assert.equal(roundTrip(6, 'fec0::1', 3).local.scope, 0);
  assert.equal(roundTrip(6, 'fd00::1', 3).local.scope, 0);
  assert.equal(roundTrip(4, '169.253.1.2', 3).local.scope, 0);
  assert.equal(roundTrip(4, '10.0.0.1', 3).local.scope, 0);
});

test('nothing is answered from a multicast address, or from none', () => {
  assert.equal(roundTrip(6, 'ff02::1', 3).local.family, 0);
  assert.equal(roundTrip(4, '0.0.0.0', 3).local.family, 0);
});

test('of both addresses of an IPv4 datagram the plain one counts, whichever comes first', () => {
  const plain = inetAddress(4, '10.0.0.1', 0);
  const mapped = inetAddress(6, '::ffff:10.0.0.255', 0);
  for (const pair of [
    [plain, mapped],
    [mapped, plain],
  ] as const) {
    let at = offset;
    for (const address of pair) at += Math.ceil(writeControl(view, at, address) / 8) * 8;
    const control = emptyControl();
    readControl(view, offset, at - offset, control);
    assert.deepEqual(control.local, plain);
  }
});

test('the count of drops is read beside others; what is cut short is not read', () => {
  const { len, level, type } = layouts.cmsghdr.fields;
  view.setUint32(offset + len.offset, layouts.cmsghdr.size + 4, true);
  view.setUint32(offset + len.offset + 4, 0, true);
  view.setInt32(offset + level.offset, constants.SOL_SOCKET, true);
  view.setInt32(offset + type.offset, constants.SO_RXQ_OVFL, true);
  view.setUint32(offset + layouts.cmsghdr.size, 4_000_000_000, true);
  const second = offset + layouts.cmsghdr.size + 8;
  const end = second + writeControl(view, second, inetAddress(4, '127.0.0.9', 0));
  const control = emptyControl();
  readControl(view, offset, end - offset, control);
  assert.equal(control.overflowed, 4_000_000_000);
  assert.equal(formatHost(control.local), '127.0.0.9');
  readControl(view, offset, 0, control);
  assert.equal(control.overflowed, -1);
  assert.equal(control.local.family, 0);
  view.setUint32(offset + len.offset, 0, true);
  readControl(view, offset, end - offset, control);
  assert.equal(control.overflowed, -1, 'a length of nothing ends the reading');
});
