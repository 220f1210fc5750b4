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
import { compiler } from '../../bench/harness/command.ts';
import { echoLoad } from '../../bench/harness/echo-load.ts';
import { readStored } from '../../bench/harness/results.ts';

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

const TINY = ['--rounds', '1', '--seconds', '0.1', '--warmup', '0.02', '--sizes', '64,1K'];
const PEERS = ['gnet', 'c-epoll', 'node-net'];

test('a tiny run measures, stores and prints every work', needsCompiler, async () => {
  const matrix = ['--only', 'all', '--connections', '3', '--pipeline', '1,4'];
  const args = [...TINY, ...matrix, '--peers', PEERS.join(), '--out', folder];
  const { status, output } = await runScript('bench.ts', args);
  assert.equal(status, 0, output);
  assert.match(output, /TCP echo, 1 KiB, 3 connections, 4 in flight each/);
  assert.match(output, /gnet beside c-epoll: CPU [\d.]+x/);
  assert.match(output, /skipping node-net: does not do udp-echo/);

  const results = readStored(folder);
  assert.deepEqual(
    results.map((result) => result.work),
    ['tcp-echo', 'udp-echo', 'unix-echo'],
  );
  for (const result of results) {
    const peers = result.work === 'udp-echo' ? 2 : 3;
    assert.equal(result.peers.length, peers);
    assert.equal(result.skipped.length, 3 - peers);
    assert.equal(result.cases.length, 4);
    for (const one of result.cases) {
      assert.deepEqual(one.failures, []);
      assert.equal(one.samples.length, peers);
      for (const sample of one.samples) {
        assert.ok(sample.requests > 0);
        assert.equal(sample.requests, sample.bytes / one.case.size);
        assert.ok(sample.serverCpuSeconds > 0 && sample.loadCpuSeconds > 0);
        const { p50, max } = sample.latencyUs;
        assert.ok(p50 !== null && max !== null && p50 > 0 && p50 <= max);
      }
    }
  }

  const shown = await runScript('bench.ts', ['--show', '--out', folder]);
  assert.match(shown.output, /^UDP echo, measured /m);
  const drawn = await runScript('plot.ts', [folder]);
  assert.equal(drawn.status, 0, drawn.output);
  assert.match(
    readFileSync(join(folder, 'tcp-echo-cpu.svg'), 'utf8'),
    /^<svg [^>]*>[\s\S]*node-net/,
  );
  assert.equal(readFileSync(join(folder, 'tcp-echo-cpu.png')).toString('latin1', 1, 4), 'PNG');
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
