import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { everyByte } from 'gnet/testing';
import { missing, runClient } from '../support/outside-client.ts';
import { rawClient } from './raw-client.ts';
import { type RunningExample, runExample, spawnExample } from './spawn-example.ts';

const goFolder = fileURLToPath(new URL('go-client', import.meta.url));

let example: RunningExample;

describe('examples/codec', () => {
  before(async () => {
    example = await spawnExample('examples/codec/server.ts');
  });
  after(async () => {
    assert.equal(await example.stop(), 0);
  });

  test('the client prints the echoes of hello and world', async () => {
    const result = await runExample('examples/codec/client.ts', ['--port', String(example.port)]);
    assert.deepEqual(result, { code: 0, output: 'hello\nworld\n' });
  });

  test('the client says so when there is no server', async () => {
    const gone = await spawnExample('examples/codec/server.ts');
    await gone.stop();
    const result = await runExample('examples/codec/client.ts', ['--port', String(gone.port)]);
    assert.equal(result.code, 1);
    assert.match(result.output, /^Cannot talk to the server: /);
  });

  test('frames come back byte for byte, also when they come byte by byte', async () => {
    const frames = Buffer.from('\0\0\0\x05hello\0\0\0\0\0\0\0\x01x', 'latin1');
    const client = await rawClient(example.port);
    await client.send(everyByte(frames));
    assert.deepEqual(await client.receive(frames.length), frames);
    client.close();
  });

  test('a frame that is too long closes the connection, after the ones before it', async () => {
    const frame = Buffer.from('\0\0\0\x01x', 'latin1');
    const client = await rawClient(example.port);
    await client.send([frame, Buffer.from([0x7f, 0xff, 0xff, 0xff]), frame]);
    assert.deepEqual(await client.receiveAll(), frame);
    client.close();
  });

  test('a client in Go gets its frames back', { skip: missing('go') }, async () => {
    // Only the standard library is used: nothing may be fetched.
    const env = { ...process.env, GOPROXY: 'off', GO111MODULE: 'off' };
    const args = ['run', 'main.go', `127.0.0.1:${example.port}`];
    const result = await runClient('go', args, '', { cwd: goFolder, env });
    assert.equal(result.stderr, '');
    assert.equal(result.code, 0);
    assert.equal(result.stdout.toString(), '15 frames came back\n');
  });
});
