/**
 * Runs the benchmark itself for moments, so that it cannot rot: every kind of work, stored,
 * printed and drawn. It asserts counts and shapes; a time would only measure the test machine.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compiler, hasTool } from '../../bench/harness/command.ts';
import { echoLoad } from '../../bench/harness/echo-load.ts';
import type { Load } from '../../bench/harness/load.ts';
import { redisLoad } from '../../bench/harness/redis-load.ts';
import { readStored } from '../../bench/harness/results.ts';
import { wrkLoad } from '../../bench/harness/wrk-load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gnet-bench-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const needsCompiler = {
  skip: process.platform !== 'linux' || compiler() === null ? 'the load is C for Linux' : false,
};

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

async function runScript(name: string, args: string[], env = process.env): Promise<Outcome> {
  const script = fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [status] = await once(child, 'close');
  return { status, output };
}

const TINY = ['--rounds', '1', '--seconds', '0.3', '--warmup', '0.1', '--sizes', '64,1K'];
const PEERS = ['gnet', 'c-epoll', 'node-net'];

test('a tiny run measures, stores and prints echoes', needsCompiler, async () => {
  const echoes = join(folder, 'echoes');
  const works = 'tcp-echo,unix-echo,udp-echo,length-field-echo';
  const matrix = ['--only', works, '--connections', '3', '--pipeline', '4'];
  const args = [...TINY, ...matrix, '--peers', PEERS.join(), '--out', echoes];
  const { status, output } = await runScript('bench.ts', args);
  assert.equal(status, 0, output);
  assert.match(output, /TCP echo, 1 KiB, 3 connections, 4 in flight each/);
  assert.match(output, /gnet beside c-epoll: CPU us\/req [\d.]+x/);
  assert.match(output, /skipping node-net: does not do udp-echo/);

  const results = readStored(echoes);
  assert.deepEqual(
    results.map((result) => result.work),
    ['length-field-echo', 'tcp-echo', 'udp-echo', 'unix-echo'],
  );
  for (const result of results) {
    const peers = /tcp|unix/.test(result.work) ? 3 : 2;
    assert.equal(result.peers.length, peers);
    assert.equal(result.skipped.length, 3 - peers);
    assert.equal(result.cases.length, 2);
    const header = result.work === 'length-field-echo' ? 4 : 0;
    for (const one of result.cases) {
      assert.deepEqual(one.failures, []);
      assert.equal(one.samples.length, peers);
      for (const sample of one.samples) {
        assert.ok(sample.requests > 0);
        assert.equal(sample.requests, sample.bytes / (one.case.size + header));
        assert.ok(sample.serverCpuSeconds > 0 && sample.loadCpuSeconds > 0);
        const { p50, max } = sample.latencyUs;
        assert.ok(p50 !== null && max !== null && p50 > 0 && p50 <= max);
      }
    }
  }
  const shown = await runScript('bench.ts', ['--show', '--out', echoes]);
  assert.match(shown.output, /^UDP echo, measured /m);
  const reported = await runScript('report.ts', [echoes]);
  assert.equal(reported.status, 0, reported.output);
  const svg = readFileSync(join(echoes, 'tcp-echo-cpu.svg'), 'utf8');
  assert.match(svg, /^<svg [^>]*>[\s\S]*node-net/);
  assert.equal(readFileSync(join(echoes, 'tcp-echo-cpu.png')).toString('latin1', 1, 4), 'PNG');
  const page = readFileSync(join(echoes, 'benchmark-results.md'), 'utf8');
  assert.match(page, /^\| c-epoll \| .* \| [\d.]+x \([\d.]+-[\d.]+\) \|.*\|$/m);
});

test(
  'connections: their rate, their memory, and the time to the first',
  needsCompiler,
  async () => {
    const out = join(folder, 'connections');
    const works = 'connection-rate,idle-memory,start-up';
    const matrix = ['--only', works, '--connections', '20', '--peers', 'c-epoll,node-net'];
    const { status, output } = await runScript('bench.ts', [...TINY, ...matrix, '--out', out]);
    assert.equal(status, 0, output);
    const [rate, memory, start] = readStored(out).map(({ cases }) =>
      cases.flatMap((c) => c.samples),
    );
    assert.equal(rate?.length, 4);
    assert.ok(rate.every(({ requests, serverCpuSeconds }) => requests > 0 && serverCpuSeconds > 0));
    assert.equal(memory?.length, 4);
    assert.ok(memory.every(({ bytesPerConnection }) => (bytesPerConnection ?? -1) >= 0));
    assert.equal(start?.length, 4);
    assert.ok(
      start.every(({ seconds, peakMemoryBytes }) => seconds > 0 && peakMemoryBytes !== null),
    );
    assert.match(output, /From starting the process to its first echo, 64 B/);
  },
);

function needsTools(...tools: string[]) {
  const missing = ['cc', ...tools].find((tool) => !hasTool(tool));
  return { skip: missing === undefined ? false : `${missing} is missing` };
}

test('HTTP by wrk, plain and pipelined', needsTools('wrk'), async () => {
  const out = join(folder, 'http');
  const args = ['--only', 'http-plaintext', '--peers', 'gnet,node-http'];
  args.push('--connections', '4', '--warmup', '0');
  const { status, output } = await runScript('bench.ts', [...TINY, ...args, '--out', out]);
  assert.equal(status, 0, output);
  const [result] = readStored(out);
  assert.deepEqual(
    result?.cases.map(({ case: { pipeline, size } }) => [pipeline, size]),
    [
      [1, 0],
      [16, 0],
    ],
  );
  const samples = result.cases.flatMap((one) => one.samples);
  assert.equal(samples.length, 4);
  assert.ok(samples.every((one) => one.requests > 0 && one.serverCpuSeconds > 0));
});

test('the Redis protocol by redis-benchmark', needsTools('redis-benchmark'), async () => {
  const out = join(folder, 'resp');
  const peers = hasTool('redis-server') ? 'gnet,redis-server' : 'gnet';
  const args = ['--only', 'resp', '--peers', peers, '--commands', 'get,ping', '--pipeline', '16'];
  const { status, output } = await runScript('bench.ts', [...TINY, ...args, '--out', out]);
  assert.equal(status, 0, output);
  const [result] = readStored(out);
  assert.deepEqual(
    result?.cases.map((one) => one.case.command),
    ['PING', 'GET'],
  );
  const samples = result.cases.flatMap((one) => one.samples);
  assert.equal(samples.length, 2 * peers.split(',').length);
  assert.ok(samples.every((one) => one.requests > 0 && one.serverCpuSeconds > 0));
});

test('a proxy is measured with the echo server behind it', needsCompiler, async () => {
  const out = join(folder, 'proxy');
  const args = ['--only', 'tcp-proxy', '--peers', 'node-net', '--connections', '3'];
  // Three processes and tests beside them share two cores: a tiny window may see none of their turns.
  const window = ['--rounds', '1', '--seconds', '2', '--warmup', '0.1', '--sizes', '64,1K'];
  const { status, output } = await runScript('bench.ts', [...window, ...args, '--out', out]);
  assert.equal(status, 0, output);
  assert.ok(readStored(out)[0]?.cases.every((one) => one.samples.length === 1));
});

test('the guard wants a base that git knows', async () => {
  const without = await runScript('guard.ts', []);
  assert.equal(without.status, 2);
  assert.match(without.output, /--base REV/);
  const unknown = await runScript('guard.ts', ['--base', 'no-such-revision']);
  assert.equal(unknown.status, 2);
});

test('an installation names an unknown peer', async () => {
  const { status, output } = await runScript('install.ts', ['nobody']);
  assert.equal(status, 2);
  assert.match(output, /'nobody' is unknown, known are gnet, /);
});

test('a machine without a compiler is told what is skipped', async () => {
  const env = { ...process.env, PATH: '' };
  const args = [...TINY, '--peers', PEERS.join(), '--out', folder];
  const { status, output } = await runScript('bench.ts', args, env);
  assert.equal(status, 0, output);
  assert.match(output, /skipping c-epoll: no C compiler/);
  assert.match(output, /skipping tcp-echo: a C compiler is needed/);
});

test('--help describes every option; a wrong option is refused with status 2', async () => {
  const help = await runScript('bench.ts', ['--help']);
  assert.match(help.output, /--connections LIST/);
  assert.equal(help.status, 0);
  const nowhere = ['--show', '--out', join(folder, 'nowhere')];
  const wrongs = [
    ['--peers', 'nobody'],
    ['--sizes', '64X'],
    ['--seconds', '0'],
    ['--fast'],
    nowhere,
  ];
  for (const wrong of wrongs) {
    const refused = await runScript('bench.ts', wrong);
    assert.equal(refused.status, 2, refused.output);
    assert.match(refused.output, /see --help/);
  }
});

/** Runs the load against a server of this process, whose replies go through `spoil`. */
async function loadAgainst(spoil: (bytes: Buffer) => Buffer): Promise<{ requests: number }> {
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => socket.write(spoil(bytes)));
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  try {
    const load = echoLoad({ lengthField: true });
    load.build();
    return await load.run({
      work: 'tcp-echo',
      endpoint: { protocol: 'tcp', port: address.port },
      case: { connections: 2, size: 300_000, pipeline: 2 },
      warmupSeconds: 0,
      seconds: 0.2,
      serverPids: [process.pid],
      companionPids: [],
      cores: null,
    });
  } finally {
    server.close();
  }
}

test('the load accepts a right echo of frames with a length field', needsCompiler, async () => {
  assert.ok((await loadAgainst((bytes) => bytes)).requests > 0);
});

test('the load notices a single wrong byte', needsCompiler, async () => {
  let seen = 0;
  const spoil = (bytes: Buffer): Buffer => {
    const place = 400_000 - seen;
    seen += bytes.length;
    if (place >= 0 && place < bytes.length) bytes[place]! ^= 1;
    return bytes;
  };
  await assert.rejects(loadAgainst(spoil), /wrong bytes in reply/);
});

test('the load notices replies that are shifted by one byte', needsCompiler, async () => {
  let spare = 1;
  const spoil = (bytes: Buffer): Buffer => {
    const extra = Buffer.alloc(spare);
    spare = 0;
    return Buffer.concat([extra, bytes]);
  };
  await assert.rejects(loadAgainst(spoil), /wrong bytes in reply/);
});

/** Offers the work of a load that is not ours to a server of this process. */
async function offerTo(load: Load, answer: (request: string) => string): Promise<unknown> {
  const server = createServer((socket) => {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => socket.write(answer(text)));
    socket.on('error', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  try {
    load.build();
    return await load.run({
      work: 'test',
      endpoint: { protocol: 'tcp', port: address.port },
      case: { connections: 1, size: 0, pipeline: 1, command: 'PING' },
      warmupSeconds: 0,
      seconds: 0.1,
      serverPids: [process.pid],
      companionPids: [],
      cores: null,
    });
  } finally {
    server.close();
  }
}

test(
  'an answer of HTTP with a wrong body is noticed before the load',
  needsTools('wrk'),
  async () => {
    const head =
      'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n';
    const answer = (text: string) =>
      `${head}Content-Length: 13\r\n\r\nHello, world!`.repeat(text.split('\r\n\r\n').length - 1);
    await assert.rejects(offerTo(wrkLoad(), answer), /answer 0 has a wrong body/);
  },
);

test(
  'a wrong reply of Redis is noticed before the load',
  needsTools('redis-benchmark'),
  async () => {
    const answer = () => '+PONG\r\n+OK\r\n$3\r\nxxy\r\n+OK\r\n:42\r\n+OK\r\n$2\r\n22\r\n';
    await assert.rejects(offerTo(redisLoad(), answer), /wrong replies/);
  },
);
