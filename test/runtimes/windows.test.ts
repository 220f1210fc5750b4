/** What is another thing on Windows. Run there by Wine: see docs/drivers.md. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type EventHandler, serve, signalServer } from 'gnet';
import { startClient } from '../support/client-rig.ts';
import { nodeFlags, Program } from '../support/program.ts';
import { connect, temporaryDirectory, text } from '../support/rig.ts';

const echo: EventHandler = { react: (frame) => frame };
const module = new URL('../worker/handlers/echo.ts', import.meta.url);
const skip = process.platform !== 'win32' && 'this is not Windows';
const address = 'tcp://127.0.0.1:0';

describe('on Windows', { skip }, () => {
  for (const [name, path, printed] of [
    ['a path', 'gnet.sock', /^\.\/gnet\.sock$/],
    ['a whole path', join(tmpdir(), 'gnet.sock'), /^\.\/[A-Z]:\\.*\\gnet\.sock$/],
    ['a pipe', '\\\\.\\pipe\\gnet-pipe', /^\.\/\\\\\.\\pipe\\gnet-pipe$/],
    ['a name', '@gnet-name', /^@gnet-name$/],
    ['a free name', '', /^@[0-9a-f]+$/],
  ] as const) {
    test(`unix:// is a named pipe: ${name}`, async (t) => {
      const server = await serve(echo, `unix://${path}`);
      t.after(() => server.close());
      assert.match(server.addr, printed);
      const client = await connect(t, server.addr);
      client.write('by path');
      assert.equal(text(await client.readExactly(7)), 'by path');
      const rig = await startClient(t, {});
      const c = await rig.client.dial(server.addr);
      c.close();
    });
  }

  test('a handler module by its file: URL', async (t) => {
    const server = await serve(module, address);
    t.after(() => server.close());
    const client = await connect(t, server.addr);
    client.write('module');
    assert.equal(text(await client.readExactly(6)), 'module');
  });

  test('several loops are refused, and the reason said', async () => {
    const expected = { code: 'ErrUnsupportedOp', message: /does not spread/ };
    await assert.rejects(serve(module, address, { numEventLoop: 2 }), expected);
    await assert.rejects(serve(module, address, { reusePort: true }), expected);
    await assert.rejects(serve(module, 'udp://127.0.0.1:0', { numEventLoop: 2 }), expected);
  });

  test('multicore is one loop', async (t) => {
    for (const address of ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', 'unix://gnet.sock']) {
      const server = await serve(module, address, { multicore: true });
      t.after(() => server.close());
      assert.equal(server.numEventLoop, 1);
      if (address.startsWith('udp')) continue;
      const client = await connect(t, server.addr);
      client.write('one loop');
      assert.equal(text(await client.readExactly(8)), 'one loop');
    }
  });

  test('a restart, a signal, a parent and descriptors are refused', async (t) => {
    const pidName = join(temporaryDirectory(t), 'server.pid');
    const server = await serve(echo, address, { graceful: true, pidName });
    t.after(() => server.close());
    assert.equal(readFileSync(pidName, 'utf8'), `${process.pid}\n`);
    const unsupported = { code: 'ErrUnsupportedOp' };
    await assert.rejects(server.restart(), unsupported);
    assert.throws(() => signalServer(pidName, 'stop'), unsupported);
    assert.throws(() => server.dupFd(), unsupported);
    await assert.rejects(serve(echo, address, { graceful: { parent: true } }), unsupported);
    const given = { code: 'ErrInvalidNetworkAddress' };
    for (const text of ['fd://99', 'systemd://']) await assert.rejects(serve(echo, text), given);
    await server.stop();
    assert.equal(existsSync(pidName), false);
  });
});

/** A process of this system that takes itself for one whose kernel spreads nothing over sockets. */
test('several loops where the kernel spreads nothing', { skip: skip === false }, async (t) => {
  const preload = "Object.defineProperty(process, 'platform', { value: 'win32' })";
  const flags = [...nodeFlags, `--import=data:text/javascript,${preload}`];
  const file = 'test/runtimes/programs/several-loops.ts';
  const program = new Program(t, process.execPath, [...flags, file], {
    env: { ...process.env, GNET_DRIVER: 'node' },
  });
  const { code, output } = await program.ending();
  assert.equal(code, 0, output);
  const refused =
    /^ErrUnsupportedOp: cannot listen .*this system does not spread .*; use one loop/gm;
  assert.equal(output.match(refused)?.length, 2, output);
  assert.equal(output.match(/^loops: 1$/gm)?.length, 2, output);
  // With a single CPU, one loop is what `multicore` means.
  const said = output.match(/^serving with one loop.*: this system does not spread/gm)?.length ?? 0;
  assert.equal(said, availableParallelism() > 1 ? 2 : 0, output);
});
