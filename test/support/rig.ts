/**
 * What tests over real sockets have in common: a server whose events and reports are written down,
 * clients that go away with the test, addresses that nobody else uses.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Conn, type EventHandler, GnetError, type Options, type Server, serve } from 'gnet';
import type { RawClient } from 'gnet/testing';
import { beginClient, openClient, rememberSecured, serverOptions } from './transport.ts';
import { waitUntil } from './wait-until.ts';

/** What this kit needs of a test; `node:test` has more. */
export interface TestScope {
  after(cleanUp: () => unknown): void;
}

export type StreamTransport = 'tcp' | 'unix' | 'tls';
export const streamTransports: readonly StreamTransport[] = ['tcp', 'unix'];
/** For suites about what holds on every connection: TLS is one more. */
export const everyTransport: readonly StreamTransport[] = [...streamTransports, 'tls'];

/** A directory of this test alone. */
export function temporaryDirectory(t: TestScope): string {
  const directory = mkdtempSync(join(tmpdir(), 'gnet-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Something to listen on that is free. */
export function freeAddress(t: TestScope, transport: StreamTransport | 'udp'): string {
  if (transport === 'unix') return `unix://${join(temporaryDirectory(t), 'test.sock')}`;
  return `${transport}://127.0.0.1:0`;
}

export interface Rig {
  readonly server: Server;
  /** `init`, `open`, `closed` or `closed(CODE)`, `shutdown`, in the order in which they came. */
  readonly events: string[];
  /** The errors that `onClosed` was given, in order. */
  readonly closeErrors: (Error | undefined)[];
  /** What was written to the log from `warn` on. */
  readonly reports: Report[];
  /** Its connections speak TLS. */
  readonly secure: boolean;
}

export interface Report {
  readonly level: string;
  readonly message: string;
  readonly err: unknown;
}

/** `GNET_TEST_DRIVER=epoll npm test -- test/server` runs the same tests over a driver of choice. */
const driverOfRun = driverOption(process.env['GNET_TEST_DRIVER']);

function driverOption(name: string | undefined): Options {
  return name === undefined ? {} : { driver: name as NonNullable<Options['driver']> };
}

/** Starts a server that ends with the test, over the transport of the run; `tls://` needs no options. */
export async function startRig(
  t: TestScope,
  handler: EventHandler,
  options: Options = {},
  address: string | readonly string[] = 'tcp://127.0.0.1:0',
): Promise<Rig> {
  const events: string[] = [];
  const closeErrors: (Error | undefined)[] = [];
  const reports: Report[] = [];
  const logger = recordingLogger(reports);
  const all = { logger, ...driverOfRun, ...serverOptions(address), ...options };
  const server = await serve(recording(handler, events, closeErrors), address, all);
  const secure = all.tls !== undefined;
  const forget = secure ? rememberSecured(server.addrs) : undefined;
  t.after(() => {
    forget?.();
    return server.close();
  });
  return { server, events, closeErrors, reports, secure };
}

export function recordingLogger(reports: Report[]) {
  const write = (level: string) => (message: string, fields?: object) => {
    reports.push({ level, message, err: (fields as { err?: unknown } | undefined)?.err });
  };
  return {
    debug: () => {},
    info: () => {},
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
  };
}

/** The same handler, with its life written down. What it does not have stays absent. */
function recording(
  handler: EventHandler,
  events: string[],
  closeErrors: (Error | undefined)[],
): EventHandler {
  const recorded: EventHandler = {
    onInitComplete(server) {
      events.push('init');
      return handler.onInitComplete?.(server);
    },
    onOpened(c) {
      events.push('open');
      return handler.onOpened?.(c);
    },
    onClosed(c, error) {
      events.push(error === undefined ? 'closed' : `closed(${codeOf(error)})`);
      closeErrors.push(error);
      return handler.onClosed?.(c, error);
    },
    onShutdown(server) {
      events.push('shutdown');
      return handler.onShutdown?.(server);
    },
  };
  const others = [
    'preWrite',
    'react',
    'onDrain',
    'onEnd',
    'onError',
    'tick',
    'signalClose',
  ] as const;
  for (const name of others) {
    const method = handler[name];
    if (method !== undefined) Object.assign(recorded, { [name]: method.bind(handler) });
  }
  return recorded;
}

export function codeOf(error: unknown): string {
  return error instanceof GnetError ? error.code : String(error);
}

/** A client that goes away with the test, and speaks what the server there does. */
export async function connect(
  t: TestScope,
  rig: Rig | string,
  secure?: boolean,
): Promise<RawClient> {
  const client = await openClient(typeof rig === 'string' ? rig : rig.server.addr, secure);
  t.after(() => client.destroy());
  return client;
}

/** The same, still connecting. */
export function beginConnect(t: TestScope, address: string): RawClient {
  const client = beginClient(address);
  t.after(() => client.destroy());
  return client;
}

/** A rig with one connection, as both sides see it. */
export async function pair(
  t: TestScope,
  handler: EventHandler = {},
  options: Options = {},
  address?: string,
): Promise<{ rig: Rig; c: Conn; client: RawClient }> {
  let opened: Conn | null = null;
  const both: EventHandler = {
    ...handler,
    onOpened(c) {
      opened = c;
      return handler.onOpened?.(c);
    },
  };
  const rig = await startRig(t, both, options, address);
  const client = await connect(t, rig);
  await waitUntil(() => opened !== null, 'onOpened');
  return { rig, c: opened as unknown as Conn, client };
}

/** A handler that gives what is received back, and the connections it saw. */
export class EchoHandler implements EventHandler {
  readonly connections: Conn[] = [];
  onOpened(c: Conn): void {
    this.connections.push(c);
  }
  react(frame: Buffer | null): Buffer | null {
    return frame;
  }
}

export function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Compares without printing megabytes when it fails. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, what = 'bytes'): void {
  assert.equal(actual.length, expected.length, `${what}: the length`);
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: they differ`);
}
