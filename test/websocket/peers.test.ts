/**
 * WebSockets written in Go and Rust, as clients of our server and as servers of our client. They are
 * built here, and skipped where they cannot be.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectWebSocket, type WebSocketConn, type WebSocketOptions } from 'gnet/websocket';
import { runClient } from '../support/outside-client.ts';
import { goPeer, rustPeer } from '../support/built-peers.ts';
import { Program } from '../support/program.ts';
import type { TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { startWs } from './ws-rig.ts';

const go = goPeer();
const rust = rustPeer();

const long = 'a text that repeats itself '.repeat(40_000);

/** Runs a client against an echo server, to which it says these goodbyes. */
async function called(
  t: TestScope,
  program: string,
  args: readonly string[],
  expected: readonly string[],
): Promise<void> {
  const goodbyes: string[] = [];
  const rig = await startWs(
    t,
    {
      message: (_ws: WebSocketConn, data: Buffer) => data,
      close: (_ws, code, reason) => void goodbyes.push(`${code} ${reason}`),
    },
    { deflate: { contextTakeover: true, threshold: 100 } },
  );
  const { code, stderr } = await runClient(program, [...args, rig.url]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(rig.errors, []);
  await waitUntil(() => goodbyes.length >= expected.length, 'its goodbyes');
  assert.deepEqual(goodbyes, expected);
}

/** Asks an echo server for messages of many lengths, and says goodbye. */
async function ask(url: string, options: WebSocketOptions): Promise<void> {
  const seen: string[] = [];
  const ws = await connectWebSocket(
    url,
    {
      message: (_ws, data, isText) => void seen.push(`${isText} ${data}`),
      close: (_ws, code) => void seen.push(`close ${code}`),
    },
    options,
  );
  const sent: string[] = [];
  for (const length of [0, 1, 125, 126, 5_000, 65_535, 65_536, 1_000_000]) {
    const text = long.slice(0, length);
    ws.send(text);
    ws.send(Buffer.from(text));
    sent.push(`true ${text}`, `false ${text}`);
  }
  await waitUntil(() => seen.length === sent.length, 'all echoes');
  assert.deepEqual(seen, sent);
  ws.close(4321, 'enough');
  await waitUntil(() => seen.at(-1) === 'close 4321', 'the goodbye');
}

describe('in Go', { skip: go.missing }, () => {
  test('gorilla/websocket calls us', async (t) => {
    await called(t, go.path, ['gorilla'], ['4321 enough', '4321 enough']);
  });

  test('coder/websocket calls us', async (t) => {
    await called(t, go.path, ['coder'], ['4321 enough', '4321 enough', '4321 enough']);
  });

  test('both are called by us', async (t) => {
    const child = new Program(t, go.path, ['server'], {});
    const [address] = await child.line(/^listens on (\S+)$/m);
    for (const library of ['gorilla', 'coder']) {
      for (const deflate of [false, true, { contextTakeover: true }]) {
        await ask(`ws://${address}/${library}`, { deflate });
      }
    }
  });
});

describe('in Rust', { skip: rust.missing }, () => {
  test('tungstenite calls us', async (t) => {
    await called(t, rust.path, ['client'], ['4321 enough']);
  });

  test('tungstenite is called by us', async (t) => {
    const child = new Program(t, rust.path, ['server'], {});
    const [address] = await child.line(/^listens on (\S+)$/m);
    for (const deflate of [false, true]) await ask(`ws://${address}/`, { deflate });
  });
});
