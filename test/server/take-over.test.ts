/** Another codec and another handler in the middle of a connection's life, and codecs of objects. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import {
  Action,
  BuiltInFrameCodec,
  type Conn,
  type EventHandler,
  FixedLengthFrameCodec,
  type FrameSource,
  type ICodec,
  LengthFieldBasedFrameCodec,
  LineBasedFrameCodec,
  serve,
} from 'gnet';
import { DatagramClient } from '../support/datagram-client.ts';
import { startClient } from '../support/client-rig.ts';
import { codeOf, connect, pair, startRig, text } from '../support/rig.ts';
import { waitUntil } from '../support/wait-until.ts';

const lines = new LineBasedFrameCodec();
const records = new LengthFieldBasedFrameCodec(
  { lengthFieldLength: 2 },
  { lengthFieldLength: 2, initialBytesToStrip: 2 },
);

function record(payload: string): Buffer {
  return Buffer.from(`\0${String.fromCharCode(payload.length)}${payload}`, 'latin1');
}

/** Notes every frame; goes over to records at the line UPGRADE. */
function upgrading(seen: string[], upgrade: (c: Conn) => unknown): EventHandler {
  return {
    react(frame, c) {
      seen.push(String(frame));
      return frame?.toString() === 'UPGRADE' ? (upgrade(c) as undefined) : `got ${frame}`;
    },
  };
}

const mixed = Buffer.concat([Buffer.from('one\nUPGRADE\n'), record('a\nb'), record('c')]);
const seenInAll = ['one', 'UPGRADE', 'a\nb', 'c'];
const answers = Buffer.concat([Buffer.from('got one\n'), record('got a\nb'), record('got c')]);

describe('setCodec', () => {
  test('inside react: the frames behind this one are for the new codec', async (t) => {
    const seen: string[] = [];
    const { client } = await pair(
      t,
      upgrading(seen, (c) => c.setCodec(records)),
      { codec: lines },
    );
    client.write(mixed);
    assert.equal(text(await client.readExactly(answers.length)), text(answers));
    assert.deepEqual(seen, seenInAll);
  });

  test('byte by byte it is the same', async (t) => {
    const seen: string[] = [];
    const { client } = await pair(
      t,
      upgrading(seen, (c) => c.setCodec(records)),
      { codec: lines },
    );
    for (const byte of mixed) await client.send(Uint8Array.of(byte));
    assert.equal(text(await client.readExactly(answers.length)), text(answers));
    assert.deepEqual(seen, seenInAll);
  });

  test('behind a promise, too', async (t) => {
    const seen: string[] = [];
    const upgrade = async (c: Conn): Promise<void> => {
      await sleep(5);
      c.setCodec(records);
    };
    const { client } = await pair(t, upgrading(seen, upgrade), { codec: lines });
    client.write(mixed);
    assert.equal(text(await client.readExactly(answers.length)), text(answers));
    assert.deepEqual(seen, seenInAll);
  });

  test('outside of events: what the old codec waits with is the first of the new one', async (t) => {
    const seen: string[] = [];
    const handler: EventHandler = { react: (frame) => void seen.push(String(frame)) };
    const { c, client } = await pair(t, handler, { codec: lines });
    client.write('no end of a line');
    await waitUntil(() => c.bufferLength() === 16, 'the bytes');
    c.setCodec(new FixedLengthFrameCodec(8));
    await waitUntil(() => seen.length === 2, 'two frames');
    assert.deepEqual(seen, ['no end o', 'f a line']);
  });

  test('a paused connection delivers the rest to the new codec when it goes on', async (t) => {
    const seen: string[] = [];
    const upgrade = (c: Conn): void => {
      c.pauseRead();
      c.setCodec(records);
    };
    const { c, client } = await pair(t, upgrading(seen, upgrade), { codec: lines });
    client.write(mixed);
    await waitUntil(() => seen.length === 2, 'the upgrade');
    await sleep(5);
    assert.equal(seen.length, 2);
    c.resumeRead();
    assert.equal(text(await client.readExactly(answers.length)), text(answers));
  });

  test('what is written before it goes through the old codec, an answer after it the new', async (t) => {
    const handler: EventHandler = {
      react(_frame, c) {
        c.asyncWrite('old');
        c.setCodec(records);
        return 'new';
      },
    };
    const { client } = await pair(t, handler, { codec: lines });
    client.write('x\n');
    assert.equal(text(await client.readExactly(9)), `old\n${text(record('new'))}`);
  });

  test('the state of the codec begins anew', async (t) => {
    const states: unknown[] = [];
    const stateful: ICodec = {
      encode: (_c, payload) => payload,
      decode(c: FrameSource) {
        if (c.bufferLength() === 0) return null;
        states.push(c.codecState);
        c.codecState = 'mine';
        const frame = c.readN(1);
        c.shiftN(1);
        return frame;
      },
    };
    const handler: EventHandler = {
      react(frame, c) {
        c.setCodec(stateful);
        return frame;
      },
    };
    const { client } = await pair(t, handler, { codec: stateful });
    client.write('ab');
    await client.readExactly(2);
    assert.deepEqual(states, [undefined, undefined]);
  });

  test('from no framing to lines and back', async (t) => {
    const handler: EventHandler = {
      react(frame, c) {
        if (frame?.toString() === 'raw') c.setCodec(rawBytes);
        else if (frame?.toString() === 'lines\n') c.setCodec(lines);
        return frame;
      },
    };
    const rawBytes: ICodec = {
      encode: (_c, payload) => payload,
      decode(c) {
        if (c.bufferLength() === 0) return null;
        const frame = c.read();
        c.resetBuffer();
        return frame;
      },
    };
    const { client } = await pair(t, handler);
    // The built-in codec adds nothing; an answer to `lines` goes through the new one.
    await client.send('lines\n');
    assert.equal(text(await client.readExactly(7)), 'lines\n\n');
    await client.send('raw\n');
    assert.equal(text(await client.readExactly(3)), 'raw');
    await client.send('more');
    assert.equal(text(await client.readExactly(4)), 'more');
  });

  test('what is no codec is refused; after the close nothing happens', async (t) => {
    const { c, client, rig } = await pair(t, {}, { codec: lines });
    for (const wrong of [null, undefined, {}, () => records, LineBasedFrameCodec]) {
      assert.throws(() => c.setCodec(wrong as unknown as ICodec), { code: 'ErrInvalidOption' });
    }
    client.end();
    await waitUntil(() => rig.events.includes('closed'), 'the close');
    c.setCodec(records);
    c.setHandler({});
    assert.equal(c.asyncWrite('x'), false);
  });

  test('a datagram has neither', async (t) => {
    const thrown: string[] = [];
    const handler: EventHandler = {
      react(_frame, c) {
        for (const ask of [() => c.setCodec(records), () => c.setHandler({})]) {
          try {
            ask();
          } catch (error) {
            thrown.push(codeOf(error));
          }
        }
        return 'done';
      },
    };
    const rig = await startRig(t, handler, {}, 'udp://127.0.0.1:0');
    const client = await DatagramClient.open(t);
    await client.send(rig.server.addr, 'x');
    assert.equal(text(await client.next()), 'done');
    assert.deepEqual(thrown, ['ErrUnsupportedOp', 'ErrUnsupportedOp']);
  });
});

interface Command {
  readonly name: string;
  readonly body: Buffer;
}

const made: Command[] = [];
/** `name:body;` */
const commands: ICodec<Command> = {
  encode: (_c, payload) => payload,
  decode(c) {
    const end = c.indexOfByte(0x3b, 0);
    if (end < 0) return null;
    const whole = c.readN(end + 1);
    const colon = whole.indexOf(0x3a);
    const command = {
      name: whole.toString('latin1', 0, colon),
      body: whole.subarray(colon + 1, end),
    };
    c.shiftN(end + 1);
    made.push(command);
    return command;
  },
};

describe('a codec of objects', () => {
  test('react gets the object itself', async (t) => {
    const seen: (Command | null)[] = [];
    const server = await serve(
      {
        onOpened: (c) => void c.wake(),
        react(command, c) {
          seen.push(command);
          if (command?.name === 'bye') c.close();
          return command === null ? null : `${command.name} ${command.body}\n`;
        },
      },
      'tcp://127.0.0.1:0',
      { codec: commands },
    );
    t.after(() => server.close());
    const client = await connect(t, server.addr);
    client.write('set:x=1;by');
    assert.equal(text(await client.readExactly(8)), 'set x=1\n');
    client.write('e:;');
    assert.equal(text(await client.readUntilEnd()), 'bye \n');
    assert.equal(seen[0], null);
    assert.ok(seen[1] === made.at(-2) && seen[2] === made.at(-1));
  });

  test('what it lends is there until the promise settles, whatever else arrives', async (t) => {
    const server = await serve(
      {
        async react(command: Command | null) {
          await sleep(20);
          return command === null ? null : `${command.body}\n`;
        },
      },
      'tcp://127.0.0.1:0',
      { codec: commands },
    );
    t.after(() => server.close());
    const [one, two] = [await connect(t, server.addr), await connect(t, server.addr)];
    one.write('a:first;b:second;');
    two.write('a:other;');
    assert.equal(text(await one.readExactly(13)), 'first\nsecond\n');
    assert.equal(text(await two.readExactly(6)), 'other\n');
  });

  test('an object that is returned as an answer is refused', async (t) => {
    const errors: string[] = [];
    const server = await serve(
      {
        react: (command: Command | null) => command as unknown as undefined,
        onClosed: (_c, error) => void errors.push(codeOf(error)),
      },
      'tcp://127.0.0.1:0',
      { codec: commands },
    );
    t.after(() => server.close());
    const client = await connect(t, server.addr);
    client.write('a:b;');
    await client.readUntilEnd();
    client.end();
    await waitUntil(() => errors.length === 1, 'the close');
    assert.deepEqual(errors, ['ErrInvalidReply']);
  });

  test('it may be a string, also an empty one, or a number', async (t) => {
    const seen: unknown[] = [];
    const values: ICodec<string | number> = {
      encode: (_c, payload) => payload,
      decode(c) {
        if (c.bufferLength() < 2) return null;
        const value = c.readN(2).toString().trim();
        c.shiftN(2);
        return /^\d+$/.test(value) ? Number(value) : value;
      },
    };
    const server = await serve(
      {
        react(value) {
          seen.push(value);
          return typeof value === 'string' ? value : Action.None;
        },
      },
      'tcp://127.0.0.1:0',
      { codec: values },
    );
    t.after(() => server.close());
    const client = await connect(t, server.addr);
    client.write('ab  00 1z ');
    assert.equal(text(await client.readExactly(3)), 'abz');
    assert.deepEqual(seen, ['ab', '', 0, 1, 'z']);
  });
});

describe('setHandler', () => {
  test('events go to it from the next one on', async (t) => {
    const seen: string[] = [];
    const own: EventHandler = {
      onOpened: () => void seen.push('own onOpened'),
      react(frame) {
        seen.push(`own ${frame}`);
        return 'own';
      },
      onEnd: () => void seen.push('own onEnd'),
      onClosed: () => void seen.push('own onClosed'),
    };
    const handler: EventHandler = {
      react(frame, c) {
        seen.push(String(frame));
        c.setHandler(own);
        return 'first';
      },
      onEnd: () => void seen.push('onEnd'),
    };
    const { client } = await pair(t, handler, { codec: lines });
    client.write('a\nb\n');
    assert.equal(text(await client.readExactly(10)), 'first\nown\n');
    client.end();
    await client.readUntilEnd();
    await waitUntil(() => seen.includes('own onClosed'), 'the close');
    assert.deepEqual(seen, ['a', 'own b', 'own onEnd', 'own onClosed']);
  });

  test('for this connection alone; one without react delivers nothing', async (t) => {
    const handler: EventHandler = {
      onOpened(c) {
        c.context = 'mine';
      },
      react(frame, c) {
        if (frame?.toString() === 'deaf') c.setHandler({});
        return `${c.context}`;
      },
    };
    const { client, rig } = await pair(t, handler, { codec: lines });
    const other = await connect(t, rig);
    client.write('deaf\nx\n');
    assert.equal(text(await client.readExactly(5)), 'mine\n');
    other.write('x\n');
    assert.equal(text(await other.readExactly(5)), 'mine\n');
    client.end();
    assert.equal(text(await client.readUntilEnd()), '');
  });

  test('its events run in the context of before, and leave nothing behind', async (t) => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const note = (): void => {
      seen.push(storage.getStore());
      storage.enterWith('left behind');
    };
    const own: EventHandler = { react: note, preWrite: note, onEnd: note, onClosed: note };
    const handler: EventHandler = {
      onOpened: (c) => storage.run('whoever asks', () => c.setHandler(own)),
    };
    const rig = await storage.run('serve', () => startRig(t, handler, { codec: lines }));
    const client = await connect(t, rig);
    client.write('a\nb\n');
    client.end();
    await client.readUntilEnd();
    await waitUntil(() => seen.length === 4, 'every event');
    assert.deepEqual(seen, ['serve', 'serve', 'serve', 'serve']);
  });

  test('a connection that was dialled keeps the context of its dial', async (t) => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const rig = await startRig(t, { react: (frame) => frame });
    const { client } = await storage.run('client', () => startClient(t));
    const c = await storage.run('dial', () => client.dial(`tcp://${rig.server.addr}`));
    c.setHandler({ react: () => void seen.push(storage.getStore()) });
    c.asyncWrite('x');
    await waitUntil(() => seen.length === 1, 'the answer');
    assert.deepEqual(seen, ['dial']);
  });

  test('the new handler hears of the drain, and what it throws closes the connection', async (t) => {
    const chunk = Buffer.alloc(256 * 1_024);
    let c: Conn | null = null;
    const own: EventHandler = {
      onDrain() {
        throw new Error('enough');
      },
    };
    const handler: EventHandler = {
      react(_frame, conn) {
        c = conn;
        while (conn.asyncWrite(chunk));
        conn.setHandler(own);
      },
    };
    const { client, rig } = await pair(t, handler);
    client.write('x');
    await waitUntil(() => c !== null, 'react');
    await client.readUntilEnd().catch(() => {});
    client.end();
    await waitUntil(() => rig.reports.length > 0, 'the report');
    assert.match(String(rig.reports[0]?.message), /onDrain failed/);
  });

  test('one that is set after the end hears of it, behind what was left', async (t) => {
    const seen: string[] = [];
    const own: EventHandler = {
      react: (frame) => void seen.push(`own ${frame}`),
      onEnd: () => void seen.push('own onEnd'),
    };
    const handler: EventHandler = { onEnd: () => void seen.push('onEnd') };
    const { c, client } = await pair(t, handler, { codec: lines, allowHalfOpen: true });
    client.write('no line');
    client.end();
    await waitUntil(() => seen.includes('onEnd'), 'the end');
    assert.equal(c.isClosed, false);
    c.setCodec(new BuiltInFrameCodec());
    c.setHandler(own);
    await waitUntil(() => seen.includes('own onEnd'), 'it is told');
    assert.deepEqual(seen, ['onEnd', 'own no line', 'own onEnd']);
    c.destroy();
    assert.equal(c.isClosed, true);
  });

  test('what is no handler is refused', async (t) => {
    const { c } = await pair(t);
    for (const wrong of [null, 7, { react: 7 }]) {
      assert.throws(() => c.setHandler(wrong as unknown as EventHandler), {
        code: 'ErrInvalidOption',
      });
    }
  });
});
