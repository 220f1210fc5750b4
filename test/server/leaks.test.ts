/** `leakDetection`: what a program holds for too long is reported, with the place where it was made. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { closeSync } from 'node:fs';
import { test } from 'node:test';
import {
  type Conn,
  client,
  type EventHandler,
  LineBasedFrameCodec,
  type Options,
  serve,
} from 'gnet';
import { noDescriptors, notOn } from '../support/driver.ts';
import { hear } from '../support/hear-channels.ts';
import { connect, type TestScope } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';
import { spawnExample } from '../examples/spawn-example.ts';
import { RawClient } from 'gnet/testing';

interface Warning {
  readonly kind: string;
  readonly stack?: string;
  readonly remote?: string;
  readonly event?: string;
  readonly descriptor?: number;
  readonly bytes?: number;
}

const leakDetection = { level: 'all', after: 40 } as const;

function listen(warnings: Warning[]): Options {
  const quiet = (): void => {};
  const warn = (message: string, fields?: object): void => {
    if (message.includes('leakDetection')) warnings.push(fields as Warning);
  };
  return { leakDetection, logger: { debug: quiet, info: quiet, warn, error: quiet } };
}

async function start(t: TestScope, handler: EventHandler, address = 'tcp://127.0.0.1:0') {
  const warnings: Warning[] = [];
  const options: Options = { ...listen(warnings), codec: new LineBasedFrameCodec() };
  const server = await serve(handler, address, options);
  t.after(() => server.close());
  return { server, warnings };
}

test('a retained frame, and none that was released before', async (t) => {
  const kept: (() => void)[] = [];
  const keep = (frame: Buffer, c: Conn): void => void kept.push(c.retain(frame));
  const { server, warnings } = await start(t, {
    react(frame: Buffer | null, c: Conn) {
      if (frame === null) return;
      if (String(frame) === 'leak') keep(frame, c);
      else c.retain(frame)();
    },
  });
  const peer = await connect(t, server.addr);
  peer.write('good\n');
  peer.write('leak\n');
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, remote, stack = '' }] = warnings as [Warning];
  assert.deepEqual([kind, remote, warnings.length], ['frame', peer.localAddress, 1]);
  assert.match(stack, /^at keep \(.*leaks\.test\.ts:\d+:\d+\)\nat .*react/);
  assert.doesNotMatch(stack, /src\/connection/);
  for (const release of kept) release();
});

test('a retained datagram', async (t) => {
  const { server, warnings } = await start(
    t,
    { react: (frame: Buffer | null, c: Conn) => void (frame === null || c.retain(frame)) },
    'udp://127.0.0.1:0',
  );
  const peer = createSocket('udp4');
  t.after(() => peer.close());
  const again = setInterval(() => peer.send('x', Number(server.addr.split(':').at(-1))), 20);
  await waitUntil(() => warnings.length > 0, 'a warning').finally(() => clearInterval(again));
  assert.equal(warnings[0]?.kind, 'frame');
});

test('a promise of the handler that does not settle, and where it waits', async (t) => {
  const never = new Promise<void>(() => {});
  async function waitForStock(): Promise<void> {
    await never;
  }
  const { server, warnings } = await start(t, {
    async react(frame: Buffer | null) {
      await Promise.resolve();
      if (String(frame) === 'leak') await waitForStock();
    },
    async onOpened() {
      await Promise.resolve();
    },
  });
  const peer = await connect(t, server.addr);
  peer.write('good\n');
  peer.write('leak\n');
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, event, remote, stack = '' }] = warnings as [Warning];
  assert.deepEqual(
    [kind, event, remote, warnings.length],
    ['promise', 'react', peer.localAddress, 1],
  );
  assert.match(stack, /react .*leaks\.test\.ts:\d+:\d+/);
});

test('a promise of a handler that one connection has, and one that only looks like one', async (t) => {
  let asked = 0;
  // Runs when somebody waits for it, as the queries of some libraries do.
  // biome-ignore lint/suspicious/noThenProperty: it is meant
  const lazy = { then: () => void asked++ } as unknown as Promise<void>;
  const own: EventHandler = { react: () => lazy };
  const { server, warnings } = await start(t, { onOpened: (c) => c.setHandler(own) });
  const peer = await connect(t, server.addr);
  peer.write('x\n');
  await waitUntil(() => warnings.length > 0, 'a warning');
  assert.equal(warnings[0]?.event, 'react');
  assert.equal(asked, 1);
});

test('a connection that is paused and never resumed', async (t) => {
  const stopReading = (c: Conn): void => c.pauseRead();
  const { server, warnings } = await start(t, {
    onOpened(c) {
      c.pauseRead();
      c.resumeRead();
      stopReading(c);
    },
  });
  await connect(t, server.addr);
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, stack = '' }] = warnings as [Warning];
  assert.deepEqual([kind, warnings.length], ['pause', 1]);
  assert.match(stack, /^at stopReading /);
});

test('a dialled connection that nobody uses or closes', async (t) => {
  const { server } = await start(t, {});
  const warnings: Warning[] = [];
  const dialler = await client({}, listen(warnings) as object);
  t.after(() => dialler.close());
  const dialShop = (): Promise<Conn> => dialler.dial(`tcp://${server.addr}`);
  const link = dialler.link(`tcp://${server.addr}`);
  t.after(() => link.close());
  (await dialler.dial(`tcp://${server.addr}`)).close();
  const { remoteAddr } = await dialShop();
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, remote, stack = '' }] = warnings as [Warning];
  assert.deepEqual([kind, remote, warnings.length], ['connection', remoteAddr, 1]);
  assert.match(stack, /^at dialShop /);
});

test('a descriptor that the program duplicated', notOn('node', noDescriptors), async (t) => {
  const { server, warnings } = await start(t, {
    react(_: Buffer | null, c: Conn) {
      closeSync(c.dup());
      return `${c.dup()}`;
    },
  });
  const peer = await connect(t, server.addr);
  peer.write('x\n');
  await waitUntil(() => warnings.length > 0, 'a warning');
  const [{ kind, descriptor, stack = '' }] = warnings as [Warning];
  assert.equal(String(await peer.readExactly(`${descriptor}`.length)), `${descriptor}`);
  closeSync(descriptor as number);
  assert.equal(kind, 'descriptor');
  assert.match(stack, /^at .*react .*leaks\.test/);
});

test('a channel tells of it, too', async (t) => {
  const heard = hear(t, ['gnet:leak.found'], ({ kind, count, loop, connection }) => {
    return [kind, count, loop, connection?.id !== undefined].join(' ');
  });
  const { server } = await start(t, { onOpened: (c) => c.pauseRead() });
  await connect(t, server.addr);
  await waitUntil(() => heard.length > 0, 'a message');
  assert.deepEqual(heard, ['leak.found pause 1 0 true']);
});

test('examples/leaks.ts is told of each of its leaks', async (t) => {
  const example = await spawnExample('examples/leaks.ts');
  const peer = await RawClient.connect(`127.0.0.1:${example.port}`);
  t.after(() => peer.destroy());
  peer.write('keep\n');
  await peer.readExactly(3);
  peer.write('wait\n');
  for (const kind of ['frame', 'promise']) {
    const told = new RegExp(`"kind":"${kind}".*leaks\\.ts:\\d+`);
    await waitUntil(() => told.test(example.output()), `a ${kind}`);
  }
  assert.equal(await example.stop(), 0);
});
