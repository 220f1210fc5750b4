/** What a server and a client of one process go through while calls fail, and who notices. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import {
  type Client,
  type Conn,
  type ClientOptions,
  client,
  type EventHandler,
  GnetError,
  type Options,
  type Server,
  serve,
} from 'gnet';

/** More than the kernel takes at once, so that it waits in a queue. */
const bigBytes = 200_000;
const big: Buffer = Buffer.alloc(bigBytes, 'the quick brown fox ');

/** How one peer fared: everything right, its connection ended early, or bytes that are wrong. */
export type Fate = 'fine' | 'ended' | 'wrong';

export interface Peer {
  readonly name: string;
  fate: Fate | null;
  readonly over: Promise<Fate>;
  stop(): void;
}

/** Echoes; an `x` is answered by a reset from our side, what ends with `!` by our end. */
export function handlerOf(tell: (code: string) => unknown): EventHandler {
  return {
    react: (frame, c) => {
      if (frame?.length === 1 && frame[0] === 0x78) c.destroy();
      return frame;
    },
    onClosed: (_c, error) => void tell(codeOf(error)),
    onError: () => {},
  };
}

export function codeOf(error: unknown): string {
  if (error === undefined) return '-';
  return error instanceof GnetError ? error.code : String(error);
}

const channels = new Map<string, BroadcastChannel>();

/** The module that each loop loads. What they tell arrives a little later. */
function handlerOfThreads(name: string, closes: string[]): URL {
  const channel = channels.get(name) ?? new BroadcastChannel(name);
  channels.set(name, channel);
  (channel as unknown as { unref(): void }).unref();
  channel.onmessage = ({ data }: { data: string }) => void closes.push(data);
  return new URL(`call-loops.ts?channel=${encodeURIComponent(name)}`, import.meta.url);
}

export class Life {
  readonly server: Server;
  readonly client: Client;
  readonly closes: string[];
  readonly #closesOfClient: string[];
  readonly #far: Awaited<ReturnType<typeof farServer>>;

  private constructor(
    server: Server,
    dialler: Client,
    far: Awaited<ReturnType<typeof farServer>>,
    closes: string[],
    closesOfClient: string[],
  ) {
    this.server = server;
    this.client = dialler;
    this.#far = far;
    this.closes = closes;
    this.#closesOfClient = closesOfClient;
  }

  /** @param path of the Unix socket. */
  static async begin(options: Options & ClientOptions, path: string, loops: number): Promise<Life> {
    const closes: string[] = [];
    const closesOfClient: string[] = [];
    const addresses = ['tcp://127.0.0.1:0', `unix://${path}`, 'udp://127.0.0.1:0'];
    const handler =
      loops === 1 ? handlerOf((code) => closes.push(code)) : handlerOfThreads(path, closes);
    const server = await serve(handler, addresses, { ...options, numEventLoop: loops });
    let dialler: Client;
    try {
      dialler = await client(new Asks(closesOfClient), options);
    } catch (error) {
      await server.close();
      throw error;
    }
    return new Life(server, dialler, await farServer(), closes, closesOfClient);
  }

  get port(): number {
    return Number(this.server.addrs[0]?.split(':')[1]);
  }

  /** Of the last `run`, and since: codes that closed a connection. */
  get codes(): readonly string[] {
    return [...this.closes, ...this.#closesOfClient];
  }

  /** One of each kind of peer. */
  run(): Peer[] {
    const { port } = this;
    const path = this.server.addrs[1] as string;
    return [
      echoes('small', connect(port, '127.0.0.1'), ['hello', 'again', 'and again']),
      echoes('big', connect(port, '127.0.0.1'), [big]),
      echoes('unix', connect(path), ['hello', 'again']),
      slowReader('slow', connect(port, '127.0.0.1')),
      resets('reset', connect({ port, host: '127.0.0.1' })),
      datagrams('udp', Number(this.server.addrs[2]?.split(':')[1])),
      dials('dial', this.client, this.#far.address),
    ];
  }

  async end(): Promise<void> {
    await Promise.all([this.client.stop({ timeout: 3_000 }), this.server.stop({ timeout: 3_000 })]);
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.client.close(), this.server.close()]);
    this.#far.close();
  }
}

/** Somebody else's server, for what is dialled: it answers what it is told. */
async function farServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  return {
    address: `tcp://127.0.0.1:${address.port}`,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function peer(name: string, stop: () => void, over: Promise<Fate>): Peer {
  const made: Peer = { name, fate: null, over, stop };
  over.then((fate) => {
    made.fate = fate;
  });
  return made;
}

/** Says one thing after the other, each when the last was answered, ends, and is ended. */
function echoes(name: string, socket: Socket, says: readonly (string | Buffer)[]): Peer {
  const over = new Promise<Fate>((resolve) => {
    let said = 0;
    let got = 0;
    let wanted: Buffer = Buffer.alloc(0);
    const next = (): void => {
      const message = says[said++];
      got = 0;
      if (message === undefined) return void socket.end();
      wanted = Buffer.from(message);
      socket.write(wanted);
    };
    socket.on('connect', next);
    socket.on('data', (bytes: Buffer) => {
      if (!wanted.subarray(got, got + bytes.length).equals(bytes)) resolve('wrong');
      got += bytes.length;
      if (got === wanted.length) next();
    });
    const done = (): boolean => said > says.length;
    socket.on('error', () => {});
    socket.on('close', () => resolve(done() ? 'fine' : 'ended'));
  });
  return peer(name, () => socket.destroy(), over);
}

/** Takes nothing until all is sent, and has ended its side by then. */
function slowReader(name: string, socket: Socket): Peer {
  const over = new Promise<Fate>((resolve) => {
    let got = 0;
    socket.on('error', () => {});
    socket.pause();
    socket.end(big, () => setTimeout(() => socket.resume(), 5));
    socket.on('data', (bytes: Buffer) => {
      if (!big.subarray(got, got + bytes.length).equals(bytes)) resolve('wrong');
      got += bytes.length;
    });
    socket.on('close', () => resolve(got === bigBytes ? 'fine' : 'ended'));
  });
  return peer(name, () => socket.destroy(), over);
}

/** Is reset by the server, when it asks for it. */
function resets(name: string, socket: Socket): Peer {
  const over = new Promise<Fate>((resolve) => {
    socket.on('connect', () => socket.write('x'));
    socket.on('error', () => {});
    socket.on('close', () => resolve('fine'));
  });
  return peer(name, () => socket.destroy(), over);
}

/** Sends until three were answered: UDP may lose some. */
function datagrams(name: string, port: number): Peer {
  const socket = createSocket('udp4');
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => {};
  const over = new Promise<Fate>((resolve) => {
    let got = 0;
    stop = () => resolve('ended');
    socket.on('error', () => {});
    socket.on('message', (message) => {
      if (String(message) !== 'hello') resolve('wrong');
      if (++got === 3) resolve('fine');
    });
    const send = (): void => void socket.send('hello', port, '127.0.0.1');
    timer = setInterval(send, 5);
    send();
  }).finally(() => {
    clearInterval(timer);
    socket.close();
  });
  return peer(name, stop, over);
}

/** Dials somebody, says a big thing and hears it again. */
function dials(name: string, from: Client, address: string): Peer {
  let conn: Conn | null = null;
  const over = new Promise<Fate>((resolve) => {
    const context: Asked = { got: 0, resolve };
    from.dial(address, { context, timeout: 5_000 }).then(
      (c) => {
        conn = c;
      },
      () => resolve('ended'),
    );
  });
  return peer(name, () => conn?.destroy(), over);
}

interface Asked {
  got: number;
  readonly resolve: (fate: Fate) => void;
}

class Asks implements EventHandler {
  readonly #closes: string[];

  constructor(closes: string[]) {
    this.#closes = closes;
  }

  onOpened(c: Conn): void {
    c.asyncWrite(big);
  }

  react(bytes: Buffer, c: Conn): void {
    const asked = c.context as Asked;
    if (!big.subarray(asked.got, asked.got + bytes.length).equals(bytes)) asked.resolve('wrong');
    asked.got += bytes.length;
    if (asked.got === bigBytes) c.close();
  }

  onClosed(c: Conn, error?: Error): void {
    const asked = c.context as Asked;
    this.#closes.push(codeOf(error));
    asked.resolve(asked.got === bigBytes ? 'fine' : 'ended');
  }
}
