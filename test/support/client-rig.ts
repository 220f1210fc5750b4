/** What tests of clients have in common: a client that is written down, addresses that do not answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Client, type ClientOptions, client, type EventHandler, serve } from 'gnet';
import { RawClient } from 'gnet/testing';
import { nodeFlags, Program } from './program.ts';
import { codeOf, type Report, recordingLogger, type TestScope } from './rig.ts';
import {
  certificates,
  clientOptions,
  rememberSecured,
  securing,
  transportOfRun,
} from './transport.ts';
import { settle, waitUntil } from './wait-until.ts';

export interface ClientRig {
  readonly client: Client;
  readonly events: string[];
  readonly reports: Report[];
}

/** A client whose life is written down, and which ends with the test. */
export async function startClient(
  t: TestScope,
  handler: EventHandler = {},
  options: ClientOptions = {},
): Promise<ClientRig> {
  const events: string[] = [];
  const reports: Report[] = [];
  const { onOpened, onClosed, onInitComplete, onShutdown } = handler;
  // What the handler has beside these four is its own.
  const recorded: EventHandler = Object.assign(Object.create(handler) as EventHandler, {
    onInitComplete(server) {
      events.push('init');
      return onInitComplete?.call(handler, server);
    },
    onOpened(c) {
      events.push('open');
      return onOpened?.call(handler, c);
    },
    onClosed(c, error) {
      events.push(error === undefined ? 'closed' : `closed(${codeOf(error)})`);
      return onClosed?.call(handler, c, error);
    },
    onShutdown(server) {
      events.push('shutdown');
      onShutdown?.call(handler, server);
    },
  } satisfies EventHandler);
  const all = { logger: recordingLogger(reports), ...clientOptions(), ...options };
  const made = await client(recorded, all);
  t.after(() => made.close());
  return { client: securing(made), events, reports };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail('it resolved'),
    (error: unknown) => error,
  );
}

/** The address of a listener that has just gone. */
export async function deadAddress(): Promise<string> {
  const server = await serve({}, 'tcp://127.0.0.1:0');
  await server.close();
  return server.addr;
}

/** An address where nothing answers: the backlog of its listener is full. */
export async function silentAddress(t: TestScope): Promise<string> {
  // Bun would not bound its backlog.
  const file = 'test/server/programs/full-backlog.ts';
  const program = new Program(t, process.execPath, [...nodeFlags, file], {});
  const [port] = await program.line(/^port (\d+)$/m);
  const address = `127.0.0.1:${port}`;
  const fillers = [1, 2, 3, 4].map(() => RawClient.begin(address));
  t.after(() => {
    for (const filler of fillers) filler.destroy();
  });
  await waitUntil(() => fillers.some(({ connected }) => connected), 'the backlog fills');
  await settle();
  assert.ok(!fillers.every(({ connected }) => connected), 'the backlog is full');
  return address;
}

function securedSocket(plain: Socket): TLSSocket {
  plain.on('error', () => {}); // told by the other one
  const { key, cert } = certificates();
  return new TLSSocket(plain, { isServer: true, key, cert });
}

/** A listener of node:net, or node:tls in a run over TLS, and the connections that it took. */
export async function foreignServer(t: TestScope): Promise<{ address: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (plain) => {
    const socket = transportOfRun === 'tls' ? securedSocket(plain) : plain;
    socket.on('error', () => {});
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const forget = transportOfRun === 'tls' ? rememberSecured([address]) : undefined;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    forget?.();
  });
  return { address, sockets };
}
