/** Clients, loads and judges that were written elsewhere; each is skipped where it is not installed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocketConn } from 'gnet/websocket';
import { goPeer, rustPeer } from '../support/built-peers.ts';
import { missing, runClient } from '../support/outside-client.ts';
import type { TestScope } from '../support/rig.ts';
import { startWs } from '../websocket/ws-rig.ts';
import { type HttpRig, rawClient, startHttp } from './http-rig.ts';

/** GNET_PYTHON names one that has the packages. */
const python = process.env['GNET_PYTHON'] || 'python3';

const go = goPeer();
const rust = rustPeer();
const autocannon = 'node_modules/autocannon/autocannon.js';

const HTTPLINT = 'from httplint.cli import main; main()';

function lacks(name: string): false | string {
  const found = spawnSync(python, ['-c', `import ${name}`], { stdio: 'ignore' });
  return found.status !== 0 && `${name} is not installed (pip install ${name})`;
}

/** Not complete before the head of the answer has left, so that it is sent in chunks. */
async function* digits(): AsyncGenerator<Uint8Array> {
  for (let digit = 0; digit < 10; digit++) {
    await sleep(1);
    yield Buffer.from(String(digit));
  }
}

function startSite(t: TestScope): Promise<HttpRig> {
  return startHttp(t, (request) => {
    const { pathname } = new URL(request.url);
    // Without it, caches choose for themselves.
    const headers = { 'cache-control': 'max-age=60' };
    if (pathname === '/text') return new Response('hello', { headers });
    if (pathname === '/json') return Response.json({ hello: 'you' }, { headers });
    if (pathname === '/echo') return new Response(request.body);
    if (pathname === '/stream') return new Response(ReadableStream.from(digits()), { headers });
    return new Response('nothing here\n', { status: 404, headers });
  });
}

async function judge(which: string, url: string): Promise<void> {
  const { code, stderr } = await runClient(python, ['test/http/judge.py', which, url]);
  assert.equal(code, 0, stderr);
}

describe('gnet/http and what others wrote', () => {
  for (const name of ['httpx', 'aiohttp']) {
    test(`${name} keeps its connection, and sends and gets streams`, {
      skip: lacks(name),
    }, async (t) => {
      const rig = await startSite(t);
      await judge(name, rig.url);
      assert.deepEqual(rig.errors, []);
    });
  }

  test('Go’s net/http does, too, with trailers, and leaves in the middle', {
    skip: go.missing,
  }, async (t) => {
    const rig = await startSite(t);
    const { code, stderr } = await runClient(go.path, ['http', rig.url]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(rig.errors, []);
  });

  test('reqwest of Rust does, too', { skip: rust.missing }, async (t) => {
    const rig = await startSite(t);
    const { code, stderr } = await runClient(rust.path, ['http', rig.url]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(rig.errors, []);
  });

  test('so does Java’s HttpClient, which offers HTTP/2 in the clear', {
    skip: missing('java'),
  }, async (t) => {
    const rig = await startSite(t);
    const { code, stderr } = await runClient('java', ['test/http/Judge.java', rig.url]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(rig.errors, []);
  });

  test('autocannon, one at a time and pipelined', async (t) => {
    const rig = await startSite(t);
    for (const pipelined of [1, 4]) {
      const args = ['--json', '-a', '1000', '-c', '8', '-p', `${pipelined}`, `${rig.url}/text`];
      const { stdout, stderr } = await runClient(process.execPath, [autocannon, ...args]);
      const found = JSON.parse(stdout.toString()) as Record<string, number>;
      // When it ends, it does not wait for what it has in a pipeline.
      const inPipelines = 8 * (pipelined - 1);
      assert.ok((found['2xx'] as number) >= 1000 - inPipelines, stderr);
      assert.deepEqual([found['errors'], found['timeouts'], found['non2xx']], [0, 0, 0]);
    }
  });

  test('httplint finds nothing wrong in answers', { skip: lacks('httplint') }, async (t) => {
    const rig = await startSite(t);
    for (const path of ['/json', '/stream']) {
      const client = await rawClient(t, rig);
      client.write(`GET ${path} HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n`);
      const answer = await client.readUntilEnd();
      // Not with `--now`, which blames the server's clock for a judge that starts slowly.
      const found = await runClient(python, ['-c', HTTPLINT], answer);
      assert.equal(found.code, 0, found.stderr);
      assert.match(found.stdout.toString(), /\[GOOD\]|\[INFO\]/, path);
      assert.doesNotMatch(found.stdout.toString(), /\b(BAD|WARN)/i, `${path}\n${found.stdout}`);
    }
  });

  test('h2load over HTTP/1.1, pipelined', { skip: missing('h2load') }, async (t) => {
    const rig = await startSite(t);
    const args = ['--h1', '-n', '2000', '-c', '8', '-m', '4'];
    const { stdout } = await runClient('h2load', [...args, `${rig.url}/text`]);
    assert.match(stdout.toString(), /2000 succeeded, 0 failed, 0 errored, 0 timeout/);
    assert.match(stdout.toString(), /status codes: 2000 2xx, 0 3xx, 0 4xx, 0 5xx/);
  });

  test('ab, with kept connections and with new ones', { skip: missing('ab') }, async (t) => {
    const rig = await startSite(t);
    for (const more of [['-k'], []]) {
      const args = [...more, '-n', '500', '-c', '8', `${rig.url}/text`];
      const output = (await runClient('ab', args)).stdout.toString();
      assert.match(output, /Complete requests: +500\b/);
      assert.match(output, /Failed requests: +0\b/);
      assert.match(output, more.length > 0 ? /Keep-Alive requests: +500\b/ : /Total transferred/);
    }
  });
});

test('websockets of Python: messages, fragments, compression, closing', {
  skip: lacks('websockets'),
}, async (t) => {
  const rig = await startWs(
    t,
    { message: (_ws: WebSocketConn, data: Buffer) => data },
    { deflate: { contextTakeover: true }, maxMessageBytes: 1_000_000 },
  );
  await judge('websockets', rig.url);
  assert.deepEqual(rig.errors, []);
});
