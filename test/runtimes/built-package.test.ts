/**
 * The built package under the versions of Node that are older than the project's own, where they are
 * installed (scripts/other-node.ts; `npm run test:drivers` installs them).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installedNode, olderMajors } from '../../scripts/other-node.ts';
import { projectNode } from '../../scripts/project-node.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder with a program that has the built package and its dependencies, but no TypeScript. */
let folder = '';

const program = `
import dgram from 'node:dgram';
import net from 'node:net';
import { EventServer, serve } from 'gnet';
class Echo extends EventServer { react(frame) { return frame; } }
const path = process.argv[2];
const addresses = ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', 'unix://' + path];
const server = await serve(new Echo(), addresses);
const port = (address) => Number(address.split(':').at(-1));
async function stream(target, text) {
  const socket = net.connect(target);
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}
function datagram(to, text) {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('message', (bytes) => { socket.close(); resolve(String(bytes)); });
    socket.send(text, to, '127.0.0.1');
  });
}
const answers = [
  await stream({ port: port(server.addrs[0]), host: '127.0.0.1' }, 'stream'),
  await datagram(port(server.addrs[1]), 'datagram'),
  await stream({ path }, 'path'),
];
await server.stop();
console.log(server.driver, ...answers);
`;

/** Two loops that run this program again, then two over a handler module. */
const loopsProgram = `
import net from 'node:net';
import { isMainLoop, serve } from 'gnet';
const ask = async (server) => {
  const socket = net.connect(Number(server.addr.split(':').at(-1)), '127.0.0.1');
  socket.end('echo');
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
};
const options = { numEventLoop: 2, lockOSThread: process.argv.includes('pinned') };
const server = await serve({ react: (frame) => frame }, 'tcp://127.0.0.1:0', options);
if (isMainLoop) {
  const module = await serve(new URL('./echo.mjs', import.meta.url), 'tcp://127.0.0.1:0', options);
  const answers = [await ask(server), await ask(module), module.countConnections()];
  try { server.dupFd(); } catch (error) { answers.push(error.code); }
  const { forced } = await server.stop();
  await module.stop();
  console.log(server.driver, ...answers, forced);
}
`;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gnet-built-'));
  const installed = join(folder, 'node_modules', 'gnet');
  mkdirSync(installed, { recursive: true });
  const build = spawnSync(
    projectNode(),
    [join(root, 'scripts', 'build.ts'), join(installed, 'dist')],
    { cwd: root, encoding: 'utf8' },
  );
  assert.equal(build.status, 0, build.stdout + build.stderr);
  const manifest = { name: 'gnet', type: 'module', exports: './dist/index.js' };
  writeFileSync(join(installed, 'package.json'), JSON.stringify(manifest));
  symlinkSync(join(root, 'node_modules', 'pino'), join(folder, 'node_modules', 'pino'));
  writeFileSync(join(folder, 'main.mjs'), program);
  writeFileSync(join(folder, 'loops.mjs'), loopsProgram);
  writeFileSync(join(folder, 'echo.mjs'), 'export default () => ({ react: (frame) => frame });');
});

after(() => rmSync(folder, { recursive: true, force: true }));

function run(
  node: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  script: readonly string[] = ['main.mjs', join(folder, 'echo.sock')],
): string {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, ...clean } = process.env;
  const parameters = [...args, ...script];
  const result = spawnSync(node, parameters, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...clean, GNET_DRIVER: 'auto', ...env },
  });
  return `${result.stdout}${result.stderr}${result.signal ?? ''}`;
}

/** koffi beside the package for as long as `body` runs. */
function withKoffi(body: () => void): void {
  const place = join(folder, 'node_modules', 'koffi');
  const binaries = join(folder, 'node_modules', '@koromix');
  symlinkSync(join(root, 'node_modules', 'koffi'), place);
  symlinkSync(join(root, 'node_modules', '@koromix'), binaries);
  try {
    body();
  } finally {
    rmSync(place);
    rmSync(binaries);
  }
}

const hasKoffi = existsSync(join(root, 'node_modules', 'koffi'));

for (const major of olderMajors) {
  const node = installedNode(major) ?? '';
  const missing = node === '' && `Node ${major} is not installed: npm run test:drivers does it`;
  describe(`the built package under Node ${major}`, { skip: missing }, () => {
    test('takes the driver node by itself, says so once, and echoes', () => {
      const output = run(node, ['--no-warnings'], {});
      assert.match(output, /^node stream datagram path$/m);
      assert.equal(output.match(/better ones do not work here/g)?.length, 1, output);
    });

    test('says nothing when it was asked for that driver', () => {
      const output = run(node, ['--no-warnings'], { GNET_DRIVER: 'node' });
      assert.equal(output, 'node stream datagram path\n');
    });

    test('several loops, in program and in module mode', () => {
      const output = run(node, ['--no-warnings'], { GNET_DRIVER: 'node' }, ['loops.mjs']);
      assert.equal(output, 'node echo echo 0 ErrUnsupportedOp 0\n');
    });

    const native = process.platform === 'linux' && hasKoffi;
    test('calls the kernel with koffi', { skip: !native && 'needs koffi and Linux' }, () => {
      withKoffi(() => {
        const output = run(node, ['--no-warnings'], { GNET_DRIVER: 'epoll' });
        assert.equal(output, 'epoll stream datagram path\n');
      });
    });
  });
}

describe('the built package where FFI is forbidden', () => {
  test('--permission without --allow-ffi: the driver node, with a warning', () => {
    const flags = ['--permission', '--allow-net', '--allow-fs-read=*', '--allow-fs-write=*'];
    const output = run(projectNode(), ['--no-warnings', ...flags], {});
    assert.match(output, /^node stream datagram path$/m);
    assert.equal(output.match(/"level":"warn"/g)?.length, 1, output);
  });

  test('--permission: several loops, in program and in module mode', () => {
    const flags = ['--permission', '--allow-net', '--allow-worker'];
    const files = ['--allow-fs-read=*', '--allow-fs-write=*'];
    const output = run(projectNode(), ['--no-warnings', ...flags, ...files], {}, ['loops.mjs']);
    assert.match(output, /^node echo echo 0 ErrUnsupportedOp 0$/m);
  });

  test('--no-experimental-ffi: several loops, in program and in module mode', () => {
    const flags = ['--no-warnings', '--no-experimental-ffi'];
    const output = run(projectNode(), flags, { GNET_DRIVER: 'node' }, ['loops.mjs']);
    assert.equal(output, 'node echo echo 0 ErrUnsupportedOp 0\n');
  });

  test('--no-experimental-ffi: threads that cannot be kept on a CPU say so and go on', () => {
    const flags = ['--no-warnings', '--no-experimental-ffi'];
    const output = run(projectNode(), flags, { GNET_DRIVER: 'node' }, ['loops.mjs', 'pinned']);
    assert.match(output, /^node echo echo 0 ErrUnsupportedOp 0$/m);
    assert.match(output, /could not be kept on one CPU/);
  });

  test('--no-experimental-ffi: the driver node', () => {
    const output = run(projectNode(), ['--no-warnings', '--no-experimental-ffi'], {});
    assert.match(output, /^node stream datagram path$/m);
  });
});
