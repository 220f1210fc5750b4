/** `slowHandler`: calls that block their loop are reported by name, and nothing else is. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { type EventHandler, type Options, type Server, serve } from 'gnet';
import { connect, type TestScope } from '../support/rig.ts';
import { nodeFlags } from '../support/program.ts';
import { spawnExample } from '../examples/spawn-example.ts';
import { RawClient } from 'gnet/testing';
import { unlessHeldUp } from '../support/unless-held-up.ts';
import { waitUntil } from '../support/wait-until.ts';

const limitMs = 20;

/** Computes for longer than the limit. */
function block(): void {
  const end = performance.now() + 2 * limitMs;
  while (performance.now() < end);
}

interface Warning {
  readonly event: string;
  readonly ms: number;
  readonly remote?: string;
  readonly handler?: string;
  readonly stack?: string;
}

async function start(
  t: TestScope,
  handler: EventHandler,
  options: Options = {},
): Promise<{ server: Server; warnings: Warning[] }> {
  const warnings: Warning[] = [];
  const quiet = (): void => {};
  const warn = (message: string, fields?: object): void => {
    if (message.includes('slowHandler')) warnings.push(fields as Warning);
  };
  const logger = { debug: quiet, info: quiet, warn, error: quiet };
  const address = 'tcp://127.0.0.1:0';
  const server = await serve(handler, address, { logger, slowHandler: limitMs, ...options });
  t.after(() => server.close());
  return { server, warnings };
}

class Orders implements EventHandler {
  readonly #word = 'done';
  react(): string {
    block();
    return this.#word;
  }
}

test('says which event of which handler and connection took how long', async (t) => {
  const { server, warnings } = await start(t, new Orders());
  const client = await connect(t, server.addr);
  client.write('x');
  await client.readExactly(4);
  assert.equal(warnings.length, 1);
  const [{ event, ms, remote, handler }] = warnings as [Warning];
  assert.deepEqual([event, remote, handler], ['react', client.localAddress, 'Orders']);
  assert.ok(ms >= limitMs);
});

test('every event is timed, and a handler that throws, too', async (t) => {
  const handler: EventHandler = {
    onOpened: block,
    preWrite: block,
    tick: block,
    onClosed: block,
    react() {
      block();
      throw new Error('broken');
    },
  };
  const { server, warnings } = await start(t, handler, { ticker: true, closeTimeout: 20 });
  const client = await connect(t, server.addr);
  client.write('x');
  const events = ['onClosed', 'onOpened', 'react', 'tick'];
  await waitUntil(() => warnings.length === events.length, 'each event is reported once');
  assert.deepEqual(warnings.map(({ event }) => event).sort(), events);
});

test('a handler of one connection is timed, too', async (t) => {
  const handler: EventHandler = { onOpened: (c) => c.setHandler(new Orders()) };
  const { server, warnings } = await start(t, handler);
  const client = await connect(t, server.addr);
  client.write('x');
  await client.readExactly(4);
  assert.ok(warnings.some(({ event, handler: name }) => event === 'react' && name === 'Orders'));
});

/**
 * Calls until a warning has such a stack: the helper thread may need its time, and a busy machine may
 * stop a thread anywhere.
 */
async function untilStack(
  peer: { write(text: string): void },
  warnings: readonly Warning[],
  wanted: RegExp,
): Promise<void> {
  const again = setInterval(() => peer.write('x'), 50);
  const found = (): boolean => warnings.some(({ stack = '' }) => wanted.test(stack));
  await waitUntil(found, 'a warning has the stack').finally(() => clearInterval(again));
}

test('says what the call was doing: the frames of the program, and no others', async (t) => {
  const { server, warnings } = await start(t, new Orders());
  const client = await connect(t, server.addr);
  await untilStack(client, warnings, /^at block .*\nat Orders\.react \(.*:\d+:\d+\)$/m);
  for (const { stack } of warnings) assert.doesNotMatch(stack ?? '', /timed-handler|stack-sampler/);
});

test('a call that waits in the kernel has a stack, too', async (t) => {
  const word = new Int32Array(new SharedArrayBuffer(4));
  const react = (): void => void Atomics.wait(word, 0, 0, 3 * limitMs);
  const { server, warnings } = await start(t, { react });
  const client = await connect(t, server.addr);
  await untilStack(client, warnings, /react/);
});

test('an event is reported once a second; the channel has each call; 0 turns it off', async (t) => {
  const published: unknown[] = [];
  const hear = (message: unknown): void => void published.push(message);
  subscribe('gnet:loop.slow', hear);
  t.after(() => unsubscribe('gnet:loop.slow', hear));
  // Held up, three calls of 40 ms may take more than the second.
  await unlessHeldUp(200, async () => {
    published.length = 0;
    const { server, warnings } = await start(t, new Orders());
    const off = await start(t, new Orders(), { slowHandler: 0 });
    for (const { addr } of [server, off.server]) {
      const client = await connect(t, addr);
      for (let count = 0; count < 3; count++) {
        client.write('x');
        await client.readExactly(4);
      }
    }
    assert.equal(warnings.length, 1);
    assert.equal(off.warnings.length, 0);
    assert.equal(published.length, 3);
  });
});

test('examples/slow.ts is told of its slow handler', async (t) => {
  const example = await spawnExample('examples/slow.ts');
  const client = await RawClient.connect(`127.0.0.1:${example.port}`);
  t.after(() => client.destroy());
  const told = /"event":"react".*"stack":"at fibonacci .*slowHandler/;
  // A line a second is logged, and the helper thread may need its time.
  for (let calls = 0; calls < 100 && !told.test(example.output()); calls++) {
    client.write('36\n');
    assert.equal(String(await client.readExactly(9)), '14930352\n');
  }
  assert.match(example.output(), told);
  assert.equal(await example.stop(), 0);
});

test('a process that was slow once ends without a word of the runtime', async () => {
  const source = `
    import { once } from 'node:events';
    import { connect } from 'node:net';
    import { serve } from 'gnet';
    const react = (frame) => {
      const end = performance.now() + 300;
      while (performance.now() < end);
      return frame;
    };
    const server = await serve({ react }, 'tcp://127.0.0.1:0', { slowHandler: 50, logLevel: 'silent' });
    const client = connect(Number(server.addr.split(':')[1]), '127.0.0.1');
    for (let calls = 0; calls < 2; calls++) {
      client.write('hello');
      await once(client, 'data');
    }
    process.exit();`;
  const args = [...nodeFlags, '--input-type=module', '--eval', source];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  assert.equal(stdout + stderr, '');
});
