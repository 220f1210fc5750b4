/** The echo examples against clients that were not written here, and what the kernel sees of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BytePattern } from '../../testing/byte-pattern.ts';
import type { DriverName } from '../../src/driver/contract.ts';
import { missing, runClient } from '../support/outside-client.ts';
import { driverName, notOn } from '../support/driver.ts';
import { Program, runProgram } from '../support/program.ts';
import {
  assertSameBytes,
  connect,
  type TestScope,
  temporaryDirectory,
  text,
} from '../support/rig.ts';

const large = new BytePattern(10).slice(0, 3_000_000);

/** Starts an example and returns what its listening line says behind `scheme://`. */
async function start(t: TestScope, scheme: 'tcp' | 'udp' | 'unix') {
  const path = join(temporaryDirectory(t), 'echo.sock');
  const flags = scheme === 'unix' ? ['--sock', path] : ['--port', '0'];
  const program = runProgram(t, `examples/echo-${scheme}.ts`, flags);
  const line = new RegExp(
    `^echo-${scheme} is listening on ${scheme}://(\\S+) \\(multi-cores: false, loops: 1\\)$`,
    'm',
  );
  const [address] = (await program.line(line)) as [string];
  if (scheme === 'unix') assert.equal(address, path);
  return { program, address, port: /:(\d+)$/.exec(address)?.[1] ?? '' };
}

async function endInOrder(program: Program): Promise<void> {
  program.kill('SIGTERM');
  const { code, signal } = await program.ending();
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
}

describe('nc', { skip: missing('nc') }, () => {
  test('TCP: hello comes back', async (t) => {
    const { program, port } = await start(t, 'tcp');
    const { stdout } = await runClient('nc', ['-q1', '127.0.0.1', port], 'hello');
    assert.equal(text(stdout), 'hello');
    await endInOrder(program);
  });

  test('TCP: 3 MB and then its end, byte for byte', async (t) => {
    const { program, port } = await start(t, 'tcp');
    const { stdout } = await runClient('nc', ['-N', '127.0.0.1', port], large);
    assertSameBytes(stdout, large);
    await endInOrder(program);
  });
});

describe('socat', { skip: missing('socat') }, () => {
  test('TCP over IPv4 and IPv6, with a half-close behind 3 MB', async (t) => {
    const { program, port } = await start(t, 'tcp');
    for (const target of [`TCP4:127.0.0.1:${port}`, `TCP6:[::1]:${port}`]) {
      const { stdout, stderr } = await runClient('socat', ['-t10', '-', target], large);
      assert.equal(stderr, '');
      assertSameBytes(stdout, large, target);
    }
    await endInOrder(program);
  });

  test('UDP: a datagram comes back', async (t) => {
    const { program, port } = await start(t, 'udp');
    const { stdout } = await runClient('socat', ['-t1', '-', `UDP:127.0.0.1:${port}`], 'hello');
    assert.equal(text(stdout), 'hello');
    await endInOrder(program);
  });

  test('Unix: 3 MB and then its end, byte for byte', async (t) => {
    const { program, address } = await start(t, 'unix');
    const { stdout, stderr } = await runClient(
      'socat',
      ['-t10', '-', `UNIX-CONNECT:${address}`],
      large,
    );
    assert.equal(stderr, '');
    assertSameBytes(stdout, large);
    await endInOrder(program);
  });
});

/** System calls, and how often at most they are made per request. */
type Cost = readonly [names: readonly string[], most: number];

/** A request may come in two pieces or while the loop is awake; never many times. */
const costs: Partial<Record<DriverName, readonly Cost[]>> = {
  epoll: [
    [['recvfrom', 'read'], 1.2],
    [['sendto', 'write'], 1.2],
    [['epoll_wait', 'epoll_pwait'], 2.4],
  ],
  io_uring: [
    // One waits for the request, one sends the only answer of its turn at once.
    [['io_uring_enter'], 2.4],
    [['epoll_wait', 'epoll_pwait'], 1.2],
  ],
};
const expected = costs[driverName] ?? [];
const noStrace = missing('strace') || notOn('node', 'the runtime makes the system calls').skip;

describe('strace', { skip: noStrace }, () => {
  test('an echo costs what its driver says, and nothing else of weight', async (t) => {
    const { program, address } = await start(t, 'tcp');
    const client = await connect(t, address.replace('[::]', '127.0.0.1'));
    const exchange = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round++) {
        client.write('sixteen bytes...');
        await client.readExactly(16);
      }
    };
    await exchange(5_000); // everything is loaded, and compiled for the last time
    const log = join(temporaryDirectory(t), 'strace');
    const args = ['-f', '-o', log, '-p', String(program.pid)];
    const tracer = new Program(t, 'strace', args, {});
    const attached = await tracer.line(/attached/).then(
      () => true,
      () => false,
    );
    if (!attached) {
      t.skip(`strace may not attach here: ${tracer.output.trim()}`);
      return;
    }
    const rounds = 500;
    await exchange(rounds);
    tracer.kill('SIGINT');
    await tracer.ending();
    const counts = new Map<string, number>();
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      const [, thread, name] = /^(\d+)\s+(\w+)\(/.exec(line) ?? [];
      // The runtime's other threads compile and collect garbage whenever they like.
      if (name === undefined || Number(thread) !== program.pid) continue;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const of = (names: readonly string[]): number =>
      names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
    const table = JSON.stringify(Object.fromEntries(counts));
    for (const [names, most] of expected) {
      // The first wait began before strace was there, and a loaded machine saves some waits.
      assert.ok(of(names) > rounds * 0.8 && of(names) < rounds * most, table);
    }
    const known = expected.flatMap(([names]) => names);
    const others = [...counts].filter(([name]) => !known.includes(name));
    const weight = others.reduce((sum, [, count]) => sum + count, 0);
    assert.ok(weight < rounds * 0.2, table);
    t.diagnostic(table);
    client.end();
    await client.readUntilEnd();
    await endInOrder(program);
  });
});
