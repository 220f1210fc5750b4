/** Descriptors, files and memory that stayed behind, and socket options that were lost. */
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Conn, serve } from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { noDescriptors, notOn } from '../support/driver.ts';
import { nodeFlags, Program } from '../support/program.ts';
import {
  connect,
  freeAddress,
  startRig,
  streamTransports,
  temporaryDirectory,
} from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

describe('what is left behind', () => {
  test('the file of a relative Unix path is removed after the program changed its directory', async (t) => {
    const home = process.cwd();
    t.after(() => process.chdir(home));
    const directory = temporaryDirectory(t);
    process.chdir(directory);
    const server = await serve({}, 'unix://echo.sock');
    process.chdir(home);
    assert.ok(existsSync(join(directory, 'echo.sock')));
    await server.close();
    assert.ok(!existsSync(join(directory, 'echo.sock')));
  });

  test('a driver that finds no second descriptor closes its first', async (t) => {
    const path = 'test/regressions/programs/driver-without-descriptors.ts';
    const command = `ulimit -n 80; exec "$@"`;
    const program = new Program(
      t,
      'sh',
      ['-c', command, 'sh', process.execPath, ...nodeFlags, path],
      {},
    );
    const { output } = await program.ending();
    assert.match(output, /^refused 2, left open 0$/m);
  });

  const ownMemory = notOn('node', 'the runtime gives each datagram memory of its own');
  test('datagrams whose promises are open do not pin a slab each', ownMemory, async (t) => {
    const { nativeSlabPool } = await import('../../src/driver/native/native-memory.ts');
    const open: (() => void)[] = [];
    const rig = await startRig(
      t,
      {
        react(frame) {
          const bytes = frame as Buffer;
          return new Promise((resolve) => open.push(() => resolve(bytes)));
        },
      },
      {},
      'udp://127.0.0.1:0',
    );
    const client = await DatagramClient.open(t);
    const pool = nativeSlabPool(16_384 + 65_536);
    const before = pool.made;
    for (let index = 0; index < 400; index++) {
      await client.send(rig.server.addr, `datagram ${index}`);
      if (index % 20 === 0) await waitUntil(() => open.length > index - 20, 'received');
    }
    await waitUntil(() => open.length === 400, 'all received');
    assert.ok(pool.made - before <= 70, `${pool.made - before} slabs were made`);
    for (const [index, settleOne] of open.entries()) {
      settleOne();
      if (index % 20 === 0) await waitUntil(() => client.received.length > index, 'answered');
    }
    await waitUntil(() => client.received.length === 400, 'all answered');
    const texts = new Set(client.received.map(String));
    assert.equal(texts.size, 400);
  });
});

describe('socketSendBuffer and socketRecvBuffer', () => {
  for (const transport of streamTransports) {
    test(`hold for connections over ${transport}`, notOn('node', noDescriptors), async (t) => {
      const { getOption } = await import('../../src/syscall/socket.ts');
      const { constants } = await import('../../src/syscall/tables.ts');
      const sizes: number[] = [];
      const handler = {
        onOpened(c: Conn): void {
          for (const option of [constants.SO_SNDBUF, constants.SO_RCVBUF]) {
            sizes.push(getOption(c.fd, constants.SOL_SOCKET, option));
          }
        },
      };
      const options = { socketSendBuffer: 20_000, socketRecvBuffer: 30_000 };
      const rig = await startRig(t, handler, options, freeAddress(t, transport));
      await connect(t, rig);
      await waitUntil(() => sizes.length === 2, 'accepted');
      assert.deepEqual(sizes, [40_000, 60_000]); // the kernel doubles them: socket(7)
    });
  }
});
