import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawClient } from 'gnet/testing';
import { lines } from '../../examples/testing/chat-rooms.ts';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from './spawn-example.ts';

test('examples/testing/server.ts is a chat with rooms', async () => {
  const example = await spawnExample('examples/testing/server.ts', ['--host=127.0.0.1']);
  const client = await RawClient.connect(`127.0.0.1:${example.port}`, { codec: lines });
  client.writeFrame('/join garden');
  assert.equal(String(await client.readFrame()), '* you are in garden');
  client.destroy();
  assert.equal(await example.stop(), 0);
});

test('examples/tracing/server.ts prints a span for each frame', async () => {
  const example = await spawnExample('examples/tracing/server.ts', ['--host=127.0.0.1']);
  const client = await RawClient.connect(`127.0.0.1:${example.port}`);
  client.write('hello');
  assert.equal(String(await client.readExactly(5)), 'hello');
  await waitUntil(() => /name: ['"]react['"]/.test(example.output()), 'the span is printed');
  assert.match(example.output(), /name: ['"]copy['"][\s\S]*['"]gnet\.frame\.bytes['"]: 5/);
  client.destroy();
  assert.equal(await example.stop(), 0);
});
