import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, runClient } from '../support/outside-client.ts';
import { type RunningExample, spawnExample } from './spawn-example.ts';

let example: RunningExample;
let folder: string;
let url: string;

/** Sixteen requests in one go, and a count of the answers that are not what they should be. */
const PIPELINE_SCRIPT = `
local threads = {}
setup = function(thread) table.insert(threads, thread) end
init = function(args)
  wrong, right = 0, 0
  local requests = {}
  for i = 1, 16 do requests[i] = wrk.format("GET", "/plaintext") end
  all = table.concat(requests)
end
request = function() return all end
response = function(status, headers, body)
  if status == 200 and body == "Hello, World!" then right = right + 1 else wrong = wrong + 1 end
end
done = function(summary, latency, requests)
  for _, thread in ipairs(threads) do
    io.write(string.format("wrong: %d, right: %d\\n", thread:get("wrong"), thread:get("right")))
  end
end
`;

async function curl(...args: string[]): Promise<string> {
  const result = await runClient('curl', ['-sS', ...args]);
  assert.equal(result.stderr, '');
  assert.equal(result.code, 0);
  return result.stdout.toString('latin1');
}

describe('examples/http.ts with clients from elsewhere', () => {
  before(async () => {
    example = await spawnExample('examples/http.ts');
    folder = mkdtempSync(join(tmpdir(), 'gnet-http-'));
    url = `http://127.0.0.1:${example.port}`;
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    assert.equal(await example.stop(), 0);
  });

  describe('curl', { skip: missing('curl') }, () => {
    test('gets /plaintext and /json', async () => {
      assert.equal(await curl(`${url}/plaintext`), 'Hello, World!');
      assert.equal(await curl(`${url}/json`), '{"message":"Hello, World!"}');
      const head = await curl('-I', `${url}/json`);
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(head, /\r\nContent-Length: 27\r\n/);
      assert.match(head, /\r\nContent-Type: application\/json\r\n/);
      assert.match(head, /\r\nServer: gnet\r\n/);
      const date = /\r\nDate: ([^\r]+)\r\n/.exec(head)?.[1] ?? '';
      assert.equal(new Date(date).toUTCString(), date);
    });

    test('uses one connection again, and a new one after close and with HTTP/1.0', async () => {
      const connections = ['-w', '%{num_connects}\n', '-o', '/dev/null'];
      const twice = [...connections, ...connections.slice(2), `${url}/json`, `${url}/json`];
      assert.equal(await curl(...twice), '1\n0\n');
      assert.equal(await curl('-H', 'Connection: close', ...twice), '1\n1\n');
      assert.equal(await curl('-0', ...twice), '1\n1\n');
    });

    test('uploads: with a length, in chunks, large, with 100-continue', async () => {
      const body = Buffer.alloc(1_000_000, 'a body that repeats itself\n');
      const path = join(folder, 'body');
      writeFileSync(path, body);
      const upload = ['--data-binary', `@${path}`, `${url}/echo`];
      const expected = body.toString('latin1');
      assert.ok((await curl(...upload)) === expected, 'with a length');
      assert.ok((await curl('-H', 'Transfer-Encoding: chunked', ...upload)) === expected, 'chunks');
      const patient = ['--expect100-timeout', '60', '-H', 'Expect: 100-continue'];
      assert.ok((await curl(...patient, ...upload)) === expected, '100-continue');
      assert.equal(await curl('-d', 'small', `${url}/echo`), 'small');
    });

    test('is told 404, 405, 413, 414 and 431', async () => {
      const status = async (...args: string[]): Promise<string> =>
        curl('-o', '/dev/null', '-w', '%{http_code}', ...args);
      assert.equal(await status(`${url}/nothing`), '404');
      assert.equal(await status('-X', 'PUT', `${url}/json`), '405');
      assert.equal(await status(`${url}/echo`), '405');
      assert.equal(await status(`${url}/${'a'.repeat(9_000)}`), '414');
      assert.equal(await status('-H', `X: ${'a'.repeat(20_000)}`, `${url}/json`), '431');
      const path = join(folder, 'large');
      writeFileSync(path, Buffer.alloc(1_048_577));
      const upload = ['--data-binary', `@${path}`, '-H', 'Expect: 100-continue', `${url}/echo`];
      assert.equal(await status(...upload), '413');
    });
  });

  test('nc is told 400 for what is not HTTP', { skip: missing('nc') }, async () => {
    const result = await runClient('nc', ['127.0.0.1', String(example.port)], 'nonsense\r\n\r\n');
    assert.match(result.stdout.toString(), /^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  describe('wrk', { skip: missing('wrk') }, () => {
    const options = ['-t1', '-c16', '-d1s', '--latency'];

    function check(stdout: string, name: string): void {
      assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, name);
      const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
      assert.ok(requests > 0, `${name}: ${stdout}`);
    }

    test('runs plain without an error', async () => {
      for (const path of ['/plaintext', '/json']) {
        const result = await runClient('wrk', [...options, url + path]);
        assert.equal(result.code, 0, result.stderr);
        check(result.stdout.toString(), path);
      }
    });

    test('runs sixteen in a pipeline without an error', async () => {
      const script = join(folder, 'pipeline.lua');
      writeFileSync(script, PIPELINE_SCRIPT);
      const result = await runClient('wrk', [...options, '-s', script, `${url}/plaintext`]);
      assert.equal(result.code, 0, result.stderr);
      check(result.stdout.toString(), 'pipeline');
      assert.match(result.stdout.toString(), /^wrong: 0, right: [1-9]\d*$/m);
    });
  });
});
