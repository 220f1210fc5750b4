/** Where this runtime may call nothing, TLS is `node:tls`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeMajor } from '../support/driver.ts';
import { runClient } from '../support/outside-client.ts';

test('without any FFI a server and a client speak TLS all the same', async () => {
  const file = fileURLToPath(new URL('programs/without-ffi.ts', import.meta.url));
  const flags = ['--conditions=gnet-source', '--disable-warning=ExperimentalWarning'];
  // No koffi, and no FFI of the runtime's own where it has one.
  flags.push('--no-addons', ...(nodeMajor >= 26 ? ['--no-experimental-ffi'] : []));
  const env = { ...process.env };
  delete env['GNET_DRIVER'];
  delete env['GNET_OPENSSL'];
  const { stdout, stderr } = await runClient(process.execPath, [...flags, file], '', { env });
  assert.equal(stdout.toString(), 'node node:tls over and back true\n', stderr);
});
