import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatInet, inetAddress, portIn } from './inet-address.ts';
import { formatUnix } from './unix-address.ts';

test('the port of an address as it is printed; a Unix path has none, whatever it looks like', () => {
  assert.equal(portIn(formatInet(inetAddress(4, '127.0.0.1', 9_000))), 9_000);
  assert.equal(portIn(formatInet(inetAddress(6, '::1', 65_535))), 65_535);
  for (const path of ['127.0.0.1:80', '[::1]:80', '/run/app:80', '@app:80', '@', '../a:1']) {
    assert.equal(portIn(formatUnix(path)), 0, path);
  }
  assert.equal(portIn(''), 0);
});
