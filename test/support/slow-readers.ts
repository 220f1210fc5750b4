/** Slow readers, and the ways in which a server may end a connection behind a large answer. */
import { connect } from 'node:net';
import { Action, type Conn, client, type EventHandler, type Options, serve } from 'gnet';
import { targetOf } from 'gnet/testing';

/** Quiet ones only read; chatty ones go on sending, which must not cut them off. */
export const temperaments = ['quiet', 'chatty'] as const;
export const waysToClose = ['close', 'end', 'stop', 'proxy'] as const;

export type Temperament = (typeof temperaments)[number];
export type WayToClose = (typeof waysToClose)[number];

export interface SlowReading {
  readonly driver: NonNullable<Options['driver']>;
  readonly temperament: Temperament;
  readonly way: WayToClose;
  readonly bytes: number;
  readonly bytesPerSecond: number;
  /** Shorter than what the kernel holds takes to be read, or nothing is shown. */
  readonly closeTimeout: number;
}

export interface Outcome {
  readonly received: number;
  /** How it ended for the reader: `end`, or the errno name of what broke it. */
  readonly ending: string;
  /** What `onClosed` of the server was told; undefined for a close in order. */
  readonly error: Error | undefined;
}

/** Reads what comes, never faster than at that rate. */
export function readSlowly(address: string, reading: SlowReading): Promise<Omit<Outcome, 'error'>> {
  const socket = connect({ ...targetOf(address), allowHalfOpen: false });
  let received = 0;
  let ending = 'end';
  socket.on('connect', () => socket.write('go'));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ending = error.code ?? error.message;
  });
  socket.on('data', (data: Buffer) => {
    received += data.length;
    socket.pause();
    if (reading.temperament === 'chatty') socket.write('.');
    setTimeout(() => socket.resume(), (data.length / reading.bytesPerSecond) * 1_000);
  });
  return new Promise((resolve) => {
    socket.on('close', () => resolve({ received, ending }));
  });
}

/** So many times `closeTimeout` a proxy between two watermarks and a third of a send buffer takes. */
const stepsOfProxy = 8;

/** One slow reader of a server of its own, until its connection has ended. */
export async function slowReading(reading: SlowReading): Promise<Outcome> {
  const { driver, way, bytes, closeTimeout } = reading;
  const options: Options = { driver, closeTimeout, logLevel: 'silent' };
  const answer = Buffer.alloc(bytes, 'a');
  let told: (error: Error | undefined) => void = () => {};
  const closed = new Promise<Error | undefined>((resolve) => {
    told = resolve;
  });
  const handler: EventHandler = {
    onOpened(c) {
      c.context = false;
    },
    react(_frame, c) {
      if (c.context === true) return Action.None; // chat
      c.context = true;
      if (way === 'close' || way === 'proxy') return [answer, Action.Close];
      c.asyncWrite(answer);
      if (way === 'end') c.end();
      else setTimeout(() => void server.stop({ timeout: 600_000 }), 50);
      return Action.None;
    },
    onClosed: (_c, error) => told(error),
  };
  // A proxy reads in steps: while it passes a step on, it takes nothing.
  const patience = way === 'proxy' ? closeTimeout * stepsOfProxy : closeTimeout;
  const patient = { ...options, closeTimeout: patience };
  const server = await serve(handler, 'tcp://127.0.0.1:0', patient);
  const front = way === 'proxy' ? await startProxy(server.addr, options) : undefined;
  const read = await readSlowly(front?.address ?? server.addr, reading);
  const error = await closed;
  const frontError = await front?.stop();
  await server.close();
  return { ...read, error: error ?? frontError };
}

interface Proxy {
  readonly address: string;
  /** What its connection to the reader ended with. */
  stop(): Promise<Error | undefined>;
}

/** Passes on between its clients and a server, as the proxy example does. */
async function startProxy(upstream: string, options: Options): Promise<Proxy> {
  let failure: Error | undefined;
  const passOn: EventHandler = {
    react(frame, c) {
      const other = c.context as Conn;
      if (frame !== null && !other.asyncWrite(frame)) c.pauseRead();
    },
    onDrain: (c) => (c.context as Conn | undefined)?.resumeRead(),
    onClosed(c, error) {
      failure ??= error;
      const other = c.context as Conn | undefined;
      // A passage that broke must not look like one that ended.
      if (error === undefined) other?.close();
      else other?.reset();
    },
  };
  const relay: Options = { ...options, overflow: 'none' };
  const dialler = await client(
    {
      ...passOn,
      onOpened(c) {
        const other = c.context as Conn;
        other.context = c;
        other.resumeRead();
      },
    },
    relay,
  );
  const front = await serve(
    {
      ...passOn,
      onOpened(c) {
        c.pauseRead();
        void dialler.dial(upstream, { context: c }).catch(() => c.reset());
      },
    },
    'tcp://127.0.0.1:0',
    relay,
  );
  return {
    address: front.addr,
    async stop() {
      await front.close();
      await dialler.close();
      return failure;
    },
  };
}
