/** The loop shares its thread with the runtime's own (issue 2, part 4). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { type EventHandler, serve } from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { assertNoNewDescriptors, openDescriptors } from '../support/descriptors.ts';
import { nodeMajor } from '../support/driver.ts';
import { nodeFlags, programRuntime, runProgram } from '../support/program.ts';
import {
  connect,
  freeAddress,
  startRig,
  type TestScope,
  temporaryDirectory,
  text,
} from '../support/rig.ts';
import { settle, waitUntil } from '../support/wait-until.ts';

/** One exchange with a handler that does `work` before it answers. */
async function ask(t: TestScope, work: () => Promise<string>): Promise<string> {
  const rig = await startRig(t, { react: () => work() });
  const client = await connect(t, rig);
  client.write('x');
  client.end();
  const answer = text(await client.readUntilEnd());
  assert.deepEqual(rig.reports, []);
  return answer;
}

describe('inside a handler', () => {
  test('await of settled promises', async (t) => {
    const answer = await ask(t, async () => {
      for (let turn = 0; turn < 1_000; turn++) await null;
      return 'awaited';
    });
    assert.equal(answer, 'awaited');
  });

  test('timers, nextTick, setImmediate and microtasks', async (t) => {
    const answer = await ask(t, async () => {
      await sleep(5);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await new Promise<void>((resolve) => setImmediate(resolve));
      await new Promise<void>((resolve) => queueMicrotask(resolve));
      return 'timed';
    });
    assert.equal(answer, 'timed');
  });

  test('fetch from a server of node:http in the same process', async (t) => {
    const http = createServer((_request, response) => response.end('over http'));
    http.listen(0, '127.0.0.1');
    t.after(() => http.close());
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const answer = await ask(t, async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: 'close' },
      });
      return response.text();
    });
    assert.equal(answer, 'over http');
  });

  test('files, DNS and child processes', async (t) => {
    const run = promisify(execFile);
    const answer = await ask(t, async () => {
      const content = await readFile(new URL(import.meta.url), 'utf8');
      const { stdout } = await run(process.execPath, ['-p', '6 * 7']);
      return `${content.length > 1_000} ${stdout.trim()}`;
    });
    assert.equal(answer, 'true 42');
  });

  test('messages of a worker', async (t) => {
    const source = "require('worker_threads').parentPort.on('message', (m) => postMessage(m * 2))";
    const code = source.replace('postMessage', "require('worker_threads').parentPort.postMessage");
    const worker = new Worker(code, { eval: true });
    t.after(() => worker.terminate());
    const answer = await ask(t, async () => {
      const numbers: number[] = [];
      for (let number = 1; number <= 3; number++) {
        worker.postMessage(number);
        numbers.push(((await once(worker, 'message')) as [number])[0]);
      }
      return numbers.join();
    });
    assert.equal(answer, '2,4,6');
  });

  test('a signal of this process', async (t) => {
    const answer = await ask(t, async () => {
      const signal = once(process, 'SIGHUP');
      process.kill(process.pid, 'SIGHUP');
      await signal;
      return 'signalled';
    });
    assert.equal(answer, 'signalled');
  });

  test('the inspector', async (t) => {
    const session = new Session();
    session.connect();
    t.after(() => session.disconnect());
    const answer = await ask(t, async () => {
      const { result } = await session.post('Runtime.evaluate', { expression: '40 + 2' });
      return String(result.value);
    });
    assert.equal(answer, '42');
  });

  test('an AbortSignal with a timeout', async (t) => {
    const answer = await ask(t, async () => {
      await assert.rejects(sleep(60_000, null, { signal: AbortSignal.timeout(5) }));
      return 'aborted';
    });
    assert.equal(answer, 'aborted');
  });
});

/** Options of Node's own command line. */
const ofNode = { skip: programRuntime !== '' && `not under ${programRuntime}` };

test('the inspector port of a process that only serves answers', ofNode, async (t) => {
  const program = runProgram(t, '--inspect=127.0.0.1:0', ['test/server/programs/idle.ts']);
  const [port] = await program.line(/ws:\/\/127\.0\.0\.1:(\d+)\//);
  await program.line(/^waits/m);
  const headers = { connection: 'close' };
  const response = await fetch(`http://127.0.0.1:${port}/json/version`, { headers });
  assert.match(await response.text(), /node\.js/);
});

test('an idle server uses no CPU', async (t) => {
  const program = runProgram(t, 'test/server/programs/idle.ts');
  await program.line(/^waits/m);
  const ticks = (): number => {
    const stat = readFileSync(`/proc/${program.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]); // utime and stime, in hundredths of a second
  };
  const lines = (): number[] =>
    [...program.output.matchAll(/^waits (\d+)/gm)].map((m) => Number(m[1]));
  const [ticksBefore, linesBefore] = [ticks(), lines().length];
  await waitUntil(() => lines().length >= linesBefore + 3, 'three more lines');
  const used = ticks() - ticksBefore;
  const counts = lines().slice(linesBefore);
  assert.ok(used <= 8, `${used} ticks of 10 ms in more than a second`);
  const waits = (counts.at(-1) ?? Infinity) - (counts[0] ?? 0);
  // Two timers of its own passed: a few turns each.
  assert.ok(waits < 30, `${waits} waits in a second`);
});

describe('several servers on one thread', () => {
  test('serve side by side, wake each other, and go one by one', async (t) => {
    const echo: EventHandler = { react: (frame) => frame };
    const rigs = [
      await startRig(t, echo),
      await startRig(t, echo, {}, freeAddress(t, 'unix')),
      await startRig(t, echo, {}, 'udp://127.0.0.1:0'),
      await startRig(t, { ...echo, tick: () => 10 }, { ticker: true }),
    ] as const;
    const datagrams = await DatagramClient.open(t);
    const exchange = async (index: number): Promise<void> => {
      const { addr } = rigs[index]?.server ?? assert.fail();
      if (index === 2) {
        await datagrams.send(addr, 'datagram');
        assert.equal(text(await datagrams.next()), 'datagram');
        return;
      }
      const client = await connect(t, addr);
      client.write('stream');
      assert.equal(text(await client.readExactly(6)), 'stream');
      client.end();
      await client.readUntilEnd();
    };
    for (const index of [0, 1, 2, 3]) await exchange(index);
    // The first is the one that sleeps for all: another one takes over.
    await rigs[0].server.stop();
    for (const index of [1, 2, 3, 1]) await exchange(index);
    await rigs[2].server.stop();
    for (const index of [3, 1]) await exchange(index);
    await rigs[1].server.stop();
    await exchange(3);
    await rigs[3].server.stop();
    for (const rig of rigs) assert.deepEqual(rig.reports, []);
  });

  test('one that a handler of another one starts and stops', async (t) => {
    const handler: EventHandler = {
      async react() {
        const inner = await serve({ react: () => 'inner' }, 'tcp://127.0.0.1:0');
        const client = await connect(t, inner.addr);
        client.write('x');
        const answer = await client.readExactly(5);
        client.end();
        await inner.stop();
        return answer;
      },
    };
    const rig = await startRig(t, handler);
    const client = await connect(t, rig);
    client.write('x');
    assert.equal(text(await client.readExactly(5)), 'inner');
  });

  test('20 starts and stops leave no descriptor', async (t) => {
    const handler: EventHandler = { react: (frame) => frame, tick: () => 5 };
    const cycle = async (): Promise<void> => {
      const addresses = ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', freeAddress(t, 'unix')];
      const rig = await startRig(t, handler, { ticker: true }, addresses);
      const client = await connect(t, rig);
      client.write('x');
      await client.readExactly(1);
      client.end();
      await rig.server.stop();
      await client.untilClosed();
    };
    await cycle();
    const before = openDescriptors();
    for (let count = 0; count < 20; count++) await cycle();
    await assertNoNewDescriptors(before);
  });

  const skip = nodeMajor < 24 && 'this Node cannot parse it';
  test('await using stops the server', { skip }, async () => {
    const { addressOfDisposed } = await import('./programs/await-using.ts');
    const again = await serve({}, await addressOfDisposed());
    await again.close();
  });
});

describe('ways to end', () => {
  interface WayToEnd {
    readonly way: string;
    readonly code: number | null;
    readonly signal?: NodeJS.Signals;
    /** What the test sends once the connection is open. */
    readonly send?: NodeJS.Signals;
    readonly output: RegExp;
    /** The path of a process that was killed stays: the next start removes it. */
    readonly pathStays?: boolean;
  }
  const ways: readonly WayToEnd[] = [
    { way: 'returning after stop', code: 0, output: /open\nshutdown\n$/ },
    { way: 'process.exit in a handler', code: 7, output: /open\n$/ },
    { way: 'uncaught error in a timer', code: 1, output: /thrown in a timer/ },
    { way: 'unhandled rejection', code: 1, output: /rejected/ },
    { way: 'stop in a signal handler', code: 0, send: 'SIGTERM', output: /open\nshutdown\n$/ },
    {
      way: 'SIGTERM without a handler',
      code: null,
      signal: 'SIGTERM',
      send: 'SIGTERM',
      output: /open\n$/,
      pathStays: true,
    },
    {
      way: 'SIGKILL',
      code: null,
      signal: 'SIGKILL',
      send: 'SIGKILL',
      output: /open\n$/,
      pathStays: true,
    },
  ];
  for (const { way, code, signal = null, send, output, pathStays = false } of ways) {
    test(way, async (t) => {
      const path = join(temporaryDirectory(t), 'end.sock');
      const program = runProgram(t, 'test/server/programs/ways-to-end.ts', [way, path]);
      await program.line(/^open$/m);
      await settle(5);
      if (send !== undefined) program.kill(send);
      const ending = await program.ending();
      assert.deepEqual({ code: ending.code, signal: ending.signal }, { code, signal });
      assert.match(ending.output, output);
      // Deno has no event of the exit behind an uncaught error.
      assert.equal(existsSync(path), pathStays || (programRuntime === 'deno' && code === 1));
    });
  }

  for (const [way, code] of [
    ['return', 0],
    ['terminate', 1],
    ['throw', 1],
    ['exit', 3],
  ] as const) {
    test(`of a worker thread that serves: ${way}`, async (t) => {
      const program = runProgram(t, 'test/server/programs/thread.ts', [way]);
      const ending = await program.ending();
      assert.deepEqual({ code: ending.code, signal: ending.signal }, { code: 0, signal: null });
      assert.match(ending.output, /listening on 127\.0\.0\.1:\d+/);
      assert.match(ending.output, new RegExp(`worker exited with ${code}\n`));
      assert.equal(/worker error: thrown in the worker/.test(ending.output), way === 'throw');
    });
  }

  test('a program that never serves ends by itself', ofNode, async (t) => {
    const program = runProgram(t, nodeFlags[0] as string, ['-e', "import('gnet')"]);
    assert.equal((await program.ending()).code, 0);
  });
});
