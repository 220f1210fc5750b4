/**
 * One program under Bun and Deno as under Node, spoken to by clients of this process. Skipped by name
 * where a runtime is not installed (scripts/other-runtime.ts).
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { flagsOf, installedRuntime, runtimeNames } from '../../scripts/other-runtime.ts';
import { refusalOf } from '../support/driver.ts';
import { type Ending, nodeFlags, Program } from '../support/program.ts';
import type { TestScope } from '../support/rig.ts';

interface Runtime {
  readonly name: string;
  readonly program: string | undefined;
  readonly flags: readonly string[];
  readonly skip: false | string;
}

const runtimes: readonly Runtime[] = [
  { name: 'node', program: process.execPath, flags: nodeFlags, skip: false },
  ...runtimeNames.map((name) => {
    const program = installedRuntime(name);
    const skip = program === undefined && `${name} is not installed`;
    return { name, program, flags: flagsOf(name), skip };
  }),
];

interface Serving {
  readonly driver: string;
  readonly host: string;
  readonly addrs: readonly string[];
  readonly answer: string;
  readonly numEventLoop: number;
  readonly driversRefused: readonly { readonly name: string; readonly reason: string }[];
}

interface Started {
  readonly program: Program;
  readonly serving: Serving;
}

function run(t: TestScope, runtime: Runtime, driver: string, args: readonly string[]): Program {
  const env = { ...process.env, GNET_DRIVER: driver, NO_COLOR: '1' };
  return new Program(t, runtime.program ?? '', [...runtime.flags, ...args], { env });
}

async function shout(
  t: TestScope,
  runtime: Runtime,
  driver: string,
  loops: number,
  ...addresses: string[]
): Promise<Started> {
  const file = 'test/runtimes/programs/shout.ts';
  const program = run(t, runtime, driver, [file, `${loops}`, ...addresses]);
  const [json = ''] = await program.line(/^serving (.*)$/m);
  return { program, serving: JSON.parse(json) as Serving };
}

const portOf = (address: string | undefined): number => Number(address?.split(':').at(-1));

/** Says it in two pieces, and hears everything up to the server's end. */
async function ask(target: net.NetConnectOpts, text: string): Promise<string> {
  const socket = net.connect(target).setNoDelay(true);
  socket.write(text.slice(0, 3));
  await once(socket, 'connect');
  setImmediate(() => socket.end(text.slice(3)));
  let answer = '';
  for await (const piece of socket) answer += piece;
  return answer;
}

async function askDatagram(port: number, text: string): Promise<string> {
  const socket = dgram.createSocket('udp4');
  try {
    socket.send(text, port, '127.0.0.1');
    const [bytes] = await once(socket, 'message');
    return String(bytes);
  } finally {
    socket.close();
  }
}

async function end(program: Program): Promise<Ending & { accepted: readonly number[] }> {
  program.kill('SIGTERM');
  const ending = await program.ending();
  assert.deepEqual([ending.code, ending.signal], [0, null], ending.output);
  const [, json = '{}'] = /^stopped (.*)$/m.exec(ending.output) ?? [];
  const { accepted, forced } = JSON.parse(json) as { accepted: number[]; forced: number };
  assert.equal(forced, 0, ending.output);
  return { ...ending, accepted };
}

/** Why a native driver cannot be had here at all. */
const refusals = new Map<string, false | string>();
for (const driver of ['epoll', 'io_uring'] as const) refusals.set(driver, await refusalOf(driver));

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gnet-runtimes-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Node's native drivers have suites of their own. */
const driversOf = ({ name }: Runtime): readonly string[] =>
  name === 'node' ? ['node'] : ['node', 'epoll', 'io_uring'];

async function servesEverything(t: TestScope, runtime: Runtime, driver: string): Promise<void> {
  const path = join(folder, `${runtime.name}-${driver}.sock`);
  const addresses = ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', `unix://${path}`];
  const { program, serving } = await shout(t, runtime, driver, 1, ...addresses);
  assert.deepEqual([serving.driver, serving.answer], [driver, 'FROM INSIDE']);
  const [tcp, udp] = serving.addrs;
  const target = { port: portOf(tcp), host: '127.0.0.1' };
  assert.equal(await ask(target, 'one\nlater\nthree\n'), 'ONE\nLATER\nTHREE\n');
  assert.equal(await ask({ path }, 'by path\n'), 'BY PATH\n');
  assert.equal(await askDatagram(portOf(udp), 'datagram'), 'DATAGRAM');
  const long = 'x'.repeat(1_000_000);
  assert.equal(await ask(target, `${long}\n`), `${long.toUpperCase()}\n`);
  await end(program);
}

async function servesWithTwoLoops(t: TestScope, runtime: Runtime, driver: string): Promise<void> {
  const { program, serving } = await shout(t, runtime, driver, 2, 'tcp://127.0.0.1:0');
  assert.deepEqual([serving.numEventLoop, serving.answer], [2, 'FROM INSIDE']);
  const target = { port: portOf(serving.addrs[0]), host: '127.0.0.1' };
  const numbers = Array.from({ length: 40 }, (_, each) => each);
  const answers = await Promise.all(numbers.map((each) => ask(target, `number ${each}\n`)));
  const wanted = numbers.map((each) => `NUMBER ${each}\n`);
  assert.deepEqual(answers, wanted);
  const { accepted } = await end(program);
  const sum = accepted.reduce((before, each) => before + each, 0);
  assert.equal(sum, 41);
  assert.ok(
    accepted.every((each) => each > 0),
    `${accepted}`,
  );
}

for (const runtime of runtimes) {
  describe(`under ${runtime.name}`, { skip: runtime.skip }, () => {
    for (const driver of driversOf(runtime)) {
      const skip = driver !== 'node' && refusals.get(driver);
      test(
        `${driver}: TCP, UDP, a Unix path, promises, ticks, a client, a clean end`,
        { skip },
        (t) => servesEverything(t, runtime, driver),
      );
      test(`${driver}: two loops on threads of their own`, { skip }, (t) =>
        servesWithTwoLoops(t, runtime, driver),
      );
    }

    test('a program knows with which flags it was started, to start itself again', async (t) => {
      const file = 'test/runtimes/programs/own-flags.ts';
      const { output } = await run(t, runtime, 'auto', [file, 'some', 'thing']).ending();
      assert.deepEqual(JSON.parse(output), runtime.flags);
    });

    test('the program of the README', async (t) => {
      const readme = readFileSync(
        fileURLToPath(new URL('../../README.md', import.meta.url)),
        'utf8',
      );
      const [, text = ''] = /```ts\n(import .*?)```/s.exec(readme) ?? [];
      assert.match(text, /tcp:\/\/:9000/);
      // Beside this file, so that `gnet` is found; on a free port, since others test as well.
      const name = `programs/readme-${runtime.name}-${process.pid}.ts`;
      const file = fileURLToPath(new URL(name, import.meta.url));
      writeFileSync(file, text.replace('tcp://:9000', 'tcp://127.0.0.1:0'));
      t.after(() => rmSync(file));
      const program = run(t, runtime, 'auto', [file]);
      const [address = ''] = await program.line(/^listening on (.*)$/m);
      const answer = await ask({ port: portOf(address), host: '127.0.0.1' }, 'hello\n');
      assert.match(answer, /^127\.0\.0\.1:\d+ says HELLO\n$/);
      program.kill('SIGINT');
      const { code, output } = await program.ending();
      assert.equal(code, 0, output);
    });
  });
}

const deno = runtimes.find(({ name }) => name === 'deno') as Runtime;

test('Deno without its rights: the node driver, said once', { skip: deno.skip }, async (t) => {
  const flags = ['run', '--allow-net', '--allow-read', '--conditions=gnet-source'];
  const { program, serving } = await shout(t, { ...deno, flags }, 'auto', 2, 'tcp://127.0.0.1:0');
  assert.equal(serving.driver, 'node');
  for (const { name, reason } of serving.driversRefused) assert.match(reason, /--allow-ffi/, name);
  const target = { port: portOf(serving.addrs[0]), host: '127.0.0.1' };
  assert.equal(await ask(target, 'hello\n'), 'HELLO\n');
  const { output } = await end(program);
  assert.equal(output.match(/second-best driver/g)?.length, 1, output);
});

test('Deno cannot share a UDP port between its own sockets, and says so', {
  skip: deno.skip,
}, async (t) => {
  const file = 'test/runtimes/programs/shout.ts';
  const program = run(t, deno, 'node', [file, '2', 'udp://127.0.0.1:0']);
  const { code, output } = await program.ending();
  assert.equal(code, 1);
  assert.match(output, /ErrUnsupportedOp: .*SO_REUSEPORT/);
});
