/**
 * What `serve` and `client` infer: the compiler checks this file. Each `@ts-expect-error` is an error
 * that a program must see.
 */
import { test } from 'node:test';
import {
  client,
  type Conn,
  type EventHandler,
  EventServer,
  type ICodec,
  LineBasedFrameCodec,
  type Server,
  serve,
} from 'gnet';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_yes: Same<A, B>): void {}

interface Message {
  readonly kind: 'ping' | 'pong';
}
interface Session {
  user: string;
}
declare const messages: ICodec<Message>;
const address = 'tcp://127.0.0.1:0';

class Typed extends EventServer<Message, Session> {
  override onOpened(c: Conn<Session>) {
    c.context = { user: 'nobody' };
    // @ts-expect-error a context of another type
    c.context = 'nobody';
  }
  override react(message: Message | null, c: Conn<Session>) {
    return message === null ? null : `${c.context.user} ${message.kind}`;
  }
}

/** Never called. */
export async function literals(): Promise<void> {
  const server = await serve(
    {
      react(frame, c) {
        same<typeof frame, Buffer | null>(true);
        same<typeof c, Conn<unknown>>(true);
      },
    },
    address,
    { codec: new LineBasedFrameCodec() },
  );
  same<typeof server, Server>(true);
  await serve(
    {
      react(message, c) {
        same<typeof message, Message | null>(true);
        same<typeof c.context, unknown>(true);
        return message?.kind;
      },
    },
    address,
    { codec: messages },
  );
  await serve(
    {
      react(message) {
        same<typeof message, Message | null>(true);
      },
    },
    address,
    { codec: () => messages },
  );
  await serve<Message, Session>(
    {
      react(message, c) {
        same<typeof message, Message | null>(true);
        same<typeof c.context, Session>(true);
      },
      onClosed: (c) => console.log(c.context.user),
    },
    address,
    { codec: messages },
  );
}

/** Never called. */
export async function classes(): Promise<void> {
  await serve(new Typed(), address, { codec: messages });
  // @ts-expect-error a handler of messages needs the codec that makes them
  await serve(new Typed(), address);
  // @ts-expect-error a codec of bytes makes no messages
  await serve(new Typed(), address, { codec: new LineBasedFrameCodec() });
  const bytes: EventHandler = {};
  // @ts-expect-error a handler of bytes under a codec of messages
  await serve({ react: (frame: Buffer | null) => frame }, address, { codec: messages });
  await serve(bytes, address);
  await serve(new URL('file:///handler.js'), address);
}

/** Never called. */
export async function clients(): Promise<void> {
  const dialling = await client(new Typed(), { codec: messages });
  const c = await dialling.dial(address);
  same<typeof c.context, Session>(true);
  // @ts-expect-error a handler of messages needs the codec that makes them
  await client(new Typed());
  c.setCodec(messages);
  c.setHandler(new Typed());
  c.setHandler<Message, Session>({ react: (message, own) => own.context.user + message?.kind });
  c.setHandler({
    react(frame, own) {
      same<typeof frame, Buffer | null>(true);
      same<typeof own.context, Session>(true);
    },
  });
  // @ts-expect-error no codec
  c.setCodec({ decode: () => null });
}

test('the compiler has checked it', () => {});
