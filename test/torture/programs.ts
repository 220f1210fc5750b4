/**
 * Programs that misbehave: every event does every bad deed, on a connection of its own, beside a
 * bystander whose bytes are checked and that must not notice.
 */
import { createSocket } from 'node:dgram';
import { type Conn, type EventHandler, type Options, type Server, serve } from 'gnet';
import type { DriverName } from '../../src/driver/contract.ts';
import { hostileThings } from '../../testing/hostile-things.ts';
import { RawClient } from 'gnet/testing';
import { settle, waitUntil } from '../support/wait-until.ts';

export const events = [
  'onOpened',
  'react',
  'preWrite',
  'onDrain',
  'onEnd',
  'onClosed',
  'signalClose',
] as const;
export type Event = (typeof events)[number];

/** What the event does with its connection; what it returns is the event's answer. */
type Deed = (c: Conn, server: Server, frame: Buffer | null) => unknown;

function throwing(make: () => unknown): Deed {
  return () => {
    throw make();
  };
}

const quietly = (call: () => unknown): void => {
  try {
    const answer = call();
    if (answer instanceof Promise) answer.catch(() => {});
  } catch {
    // Said so: this is no time for it.
  }
};

const kept: Uint8Array[] = [];

export const deeds: Readonly<Record<string, Deed>> = {
  ...Object.fromEntries(
    Object.entries(hostileThings).map(([name, make]) => [`throws ${name}`, throwing(make)]),
  ),
  'throws an Error': throwing(() => new Error('of the program')),
  'throws a string': throwing(() => 'of the program'),
  'throws undefined': throwing(() => undefined),
  rejects: () => Promise.reject(new Error('of the program')),
  'rejects with nothing': () => Promise.reject(),
  'never settles': () => new Promise(() => {}),
  'returns a number': () => 12_345,
  'returns a function': () => () => {},
  'returns a list of lists': () => [[[['x']]]],
  'returns itself': (c) => c,
  'closes twice': (c) => {
    c.close();
    c.close();
  },
  'destroys and writes': (c) => {
    c.destroy();
    quietly(() => c.asyncWrite('late'));
    quietly(() => c.flushWrite('late'));
  },
  'ends and writes': (c) => {
    quietly(() => c.end());
    quietly(() => c.asyncWrite('late'));
    quietly(() => c.end());
  },
  'resets and closes': (c) => {
    c.reset();
    c.close();
  },
  'wakes itself': (c) => c.wake(),
  'writes and flushes': (c) => {
    for (let round = 0; round < 100; round++) quietly(() => c.asyncWrite('again'));
    quietly(() => c.flush());
  },
  'writes much': (c) => void quietly(() => c.asyncWrite(Buffer.alloc(3_000_000))),
  'pauses and resumes': (c) => {
    c.pauseRead();
    c.resumeRead();
    c.pauseRead();
    c.resumeRead();
  },
  'sets limits': (c) => c.setTimeouts({ idleTimeout: 1_000, writeTimeout: 1_000 }),
  'sets a timer and goes': (c) => {
    c.setTimer(1, () => c.asyncWrite('late'));
    c.close();
  },
  'keeps the frame': (_c, _server, frame) => {
    if (frame !== null) kept.push(frame);
    if (kept.length > 50) kept.length = 0;
  },
  'detaches the frame': (_c, _server, frame) => {
    if (frame === null) return;
    quietly(() => structuredClone(frame.buffer, { transfer: [frame.buffer as ArrayBuffer] }));
    quietly(() => frame.fill(1));
  },
  'changes the frame and answers it twice': (c, _server, frame) => {
    frame?.fill(0x62);
    if (frame !== null) quietly(() => c.asyncWrite(frame));
    return frame ?? undefined;
  },
  'blocks for 5 ms': () => {
    const end = performance.now() + 5;
    while (performance.now() < end);
  },
};

/** What happens when nobody waits for it. */
class Strays {
  readonly found: string[] = [];
  readonly #note = (error: unknown): void => void this.found.push(`uncaught ${typeof error}`);

  constructor() {
    process.on('uncaughtException', this.#note);
    process.on('unhandledRejection', this.#note);
  }

  end(): void {
    process.off('uncaughtException', this.#note);
    process.off('unhandledRejection', this.#note);
  }
}

/** A server for each event; its offenders are the connections whose context is a deed. */
class Stage {
  readonly #event: Event;
  /** Deeds of the next connections, in the order in which they open. */
  readonly coming: (string | null)[] = [];
  /** By deed: how often its connection was opened and closed. */
  readonly opened = new Map<string, number>();
  readonly closed = new Map<string, number>();
  server!: Server;

  constructor(event: Event) {
    this.#event = event;
  }

  #deedOf(c: Conn, event: Event): Deed | null {
    const name = c.context as string | null;
    return event === this.#event && name !== null ? (deeds[name] as Deed) : null;
  }

  #run(c: Conn, event: Event, frame: Buffer | null = null): never {
    return this.#deedOf(c, event)?.(c, this.server, frame) as never;
  }

  handler(): EventHandler {
    const count = (of: Map<string, number>, c: Conn): void => {
      const name = c.context as string | null;
      if (name !== null) of.set(name, (of.get(name) ?? 0) + 1);
    };
    const handler: EventHandler = {
      onOpened: (c) => {
        c.context = this.coming.shift() ?? null;
        count(this.opened, c);
        return this.#run(c, 'onOpened');
      },
      react: (frame, c) =>
        this.#deedOf(c, 'react') === null ? frame : this.#run(c, 'react', frame),
      onDrain: (c) => this.#run(c, 'onDrain'),
      onEnd: (c) => this.#run(c, 'onEnd'),
      onClosed: (c) => {
        count(this.closed, c);
        return this.#run(c, 'onClosed');
      },
      signalClose: (c) => this.#run(c, 'signalClose'),
    };
    // It changes how the driver sends: only where it is what is tried.
    if (this.#event === 'preWrite') handler.preWrite = (c) => this.#run(c, 'preWrite');
    return handler;
  }
}

async function echoes(client: RawClient, text: string): Promise<string> {
  client.write(text);
  const answer = client.readExactly(text.length).then(String, String);
  return (await Promise.race([answer, settle(5_000)])) ?? 'nothing';
}

async function runEvent(event: Event, driver: DriverName, strays: Strays): Promise<string[]> {
  const wrong: string[] = [];
  const stage = new Stage(event);
  stage.server = await serve(stage.handler(), 'tcp://127.0.0.1:0', {
    driver: driver as NonNullable<Options['driver']>,
    logLevel: 'silent',
    closeTimeout: 200,
  });
  const bystander = await RawClient.connect(stage.server.addr);
  await waitUntil(() => stage.server.countConnections() === 1, 'the bystander is there');
  const clients: RawClient[] = [];
  const open = new Set<string>();
  for (const name of Object.keys(deeds)) {
    stage.coming.push(name);
    const client = await RawClient.connect(stage.server.addr);
    clients.push(client);
    open.add(name);
    await waitUntil(() => stage.opened.has(name), `${name} is there`);
    client.write('hello');
    if (event === 'onEnd') client.end();
    if (event === 'onClosed') client.destroy();
    const answer = await echoes(bystander, `beside ${name}`);
    if (answer !== `beside ${name}`) wrong.push(`${event} ${name}: the bystander got ${answer}`);
    for (const stray of strays.found.splice(0)) wrong.push(`${event} ${name}: ${stray}`);
  }
  const stopping = stage.server.stop({ timeout: 300 });
  for (const client of clients) client.destroy();
  bystander.end();
  const stopped = await Promise.race([stopping.then(() => true), settle(10_000)]);
  if (stopped !== true) wrong.push(`${event}: it does not stop`);
  for (const name of open) {
    const closed = stage.closed.get(name) ?? 0;
    if (closed !== 1) wrong.push(`${event} ${name}: onClosed was called ${closed} times`);
  }
  for (const stray of strays.found.splice(0)) wrong.push(`${event}, at the stop: ${stray}`);
  bystander.destroy();
  await stage.server.close();
  return wrong;
}

/** One socket, so that a deed in `react` meets the datagrams of others. */
async function runDatagrams(driver: DriverName, strays: Strays): Promise<string[]> {
  const wrong: string[] = [];
  let server: Server | null = null;
  const handler: EventHandler = {
    react(frame, c) {
      const deed = deeds[String(frame)];
      return deed === undefined ? frame : (deed(c, server as Server, frame) as never);
    },
  };
  server = await serve(handler, 'udp://127.0.0.1:0', {
    driver: driver as NonNullable<Options['driver']>,
    logLevel: 'silent',
  });
  const client = createSocket('udp4');
  const { port } = new URL(`udp://${server.addr}`);
  const say = (text: string): void => void client.send(text, Number(port), '127.0.0.1');
  const heard = new Set<string>();
  client.on('message', (message) => heard.add(String(message)));
  for (const name of Object.keys(deeds)) {
    const beside = `beside ${name}`;
    say(name);
    say(beside);
    await waitUntil(() => heard.has(beside), `react of a datagram ${name}: the next is answered`);
    for (const stray of strays.found.splice(0)) wrong.push(`datagram ${name}: ${stray}`);
  }
  client.close();
  await server.stop({ timeout: 300 });
  return wrong;
}

export async function runPrograms(driver: DriverName): Promise<{ cases: number; wrong: string[] }> {
  const strays = new Strays();
  const wrong: string[] = [];
  try {
    for (const event of events) wrong.push(...(await runEvent(event, driver, strays)));
    wrong.push(...(await runDatagrams(driver, strays)));
  } finally {
    strays.end();
  }
  return { cases: (events.length + 1) * Object.keys(deeds).length, wrong };
}
