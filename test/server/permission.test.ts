/** Under the Permission Model: what is refused comes as a typed error that says what to do. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { driverName } from '../support/driver.ts';
import { freeAddress, type TestScope, temporaryDirectory } from '../support/rig.ts';

/** Serves, stops, and prints `up` or the code and the message of the error. */
const program = `
import { serve } from 'gnet';
try {
  const server = await serve({}, process.argv[1]);
  await server.stop();
  console.log('up');
} catch (error) {
  console.log(error.code, error.message);
}
`;

const root = fileURLToPath(new URL('../..', import.meta.url));

function serveUnder(flags: readonly string[], address: string): Promise<string> {
  const fixed = ['--conditions=gnet-source', '--no-warnings', '--permission'];
  const input = ['--input-type=module', '--eval', program, '--', address];
  return new Promise((resolve) => {
    const parameters = [...fixed, ...flags, ...input];
    execFile(process.execPath, parameters, { cwd: root }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

/** A socket file that nobody listens on. */
async function deadSocket(t: TestScope): Promise<string> {
  const path = join(temporaryDirectory(t), 'dead.sock');
  const leave = `require('node:net').createServer().listen(
    ${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await new Promise((resolve) => execFile(process.execPath, ['--eval', leave], resolve));
  return path;
}

const native =
  process.platform === 'linux' &&
  driverName !== 'node' &&
  process.allowedNodeEnvironmentFlags.has('--allow-ffi');
describe('--permission', { skip: !native && 'needs a native driver and node:ffi' }, () => {
  test('without --allow-ffi serve rejects with ErrUnsupportedPlatform and the flag', async () => {
    const output = await serveUnder(['--allow-fs-read=*'], 'tcp://127.0.0.1:0');
    assert.match(output, /^ErrUnsupportedPlatform .*--allow-ffi/);
  });

  test('--allow-ffi is enough for TCP', async () => {
    const output = await serveUnder(['--allow-fs-read=*', '--allow-ffi'], 'tcp://127.0.0.1:0');
    assert.equal(output, 'up\n');
  });

  test('a dead Unix socket that must not be removed is an address in use', async (t) => {
    const path = await deadSocket(t);
    const flags = ['--allow-fs-read=*', '--allow-ffi'];
    assert.match(await serveUnder(flags, `unix://${path}`), /^EADDRINUSE /);
    assert.equal(await serveUnder([...flags, '--allow-fs-write=*'], `unix://${path}`), 'up\n');
    assert.equal(
      await serveUnder([...flags, '--allow-fs-write=*'], freeAddress(t, 'unix')),
      'up\n',
    );
  });
});
