/** Servers of gnet/websocket, and clients that send the bytes they are told. */
import { once } from 'node:events';
import type { Server } from 'gnet';
import { serveWebSocket, type WebSocketHandler, type WebSocketServerOptions } from 'gnet/websocket';
import WebSocket from 'ws';
import { RawClient } from 'gnet/testing';
import type { TestScope } from '../support/rig.ts';

export interface WsRig {
  readonly server: Server;
  /** `ws://127.0.0.1:50000` */
  readonly url: string;
  /** What the server wrote to its log. */
  readonly errors: unknown[];
}

const ignore = (): void => {};

export async function startWs<Data = unknown>(
  t: TestScope,
  handler: WebSocketHandler<Data>,
  options: WebSocketServerOptions<Data> = {},
): Promise<WsRig> {
  const errors: unknown[] = [];
  const error = (_message: string, fields?: object): void => {
    errors.push((fields as { err?: unknown } | undefined)?.err);
  };
  const driver = process.env['GNET_TEST_DRIVER'] as WebSocketServerOptions['driver'];
  const server = await serveWebSocket(handler, 'tcp://127.0.0.1:0', {
    logger: { debug: ignore, info: ignore, warn: ignore, error },
    closeTimeout: 500,
    ...(driver !== undefined && { driver }),
    ...options,
  });
  t.after(() => server.close());
  return { server, url: `ws://${server.addr}`, errors };
}

/** A client of the package `ws`, open. */
export async function wsClient(
  t: TestScope,
  url: string,
  options: WebSocket.ClientOptions = {},
  protocols: string[] = [],
): Promise<WebSocket> {
  const client = new WebSocket(url, protocols, { perMessageDeflate: false, ...options });
  t.after(() => client.terminate());
  await once(client, 'open');
  return client;
}

export async function nextMessage(client: WebSocket): Promise<string> {
  const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
  return `${isBinary ? 'binary' : 'text'} ${data.toString('latin1')}`;
}

export async function closing(client: WebSocket): Promise<string> {
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  return `${code} ${reason.toString()}`;
}

const HANDSHAKE = [
  'GET / HTTP/1.1',
  'Host: example',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

/** The request of a client, with these further lines. */
export function handshake(lines: readonly string[] = []): string {
  return `${[...HANDSHAKE, ...lines].join('\r\n')}\r\n\r\n`;
}

/** A raw connection behind the handshake; `head` is the answer. */
export async function rawWs(
  t: TestScope,
  rig: WsRig,
  lines: readonly string[] = [],
): Promise<{ readonly client: RawClient; readonly head: string }> {
  const client = await RawClient.connect(rig.server.addr);
  t.after(() => client.destroy());
  client.write(handshake(lines));
  let head = '';
  while (!head.endsWith('\r\n\r\n')) head += (await client.readExactly(1)).toString('latin1');
  return { client, head };
}

/** A frame of a client, masked. */
export function frame(first: number, payload: string | Uint8Array, length?: number): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const size = length ?? bytes.length;
  const header =
    size < 126
      ? [first, 0x80 | size]
      : size < 65_536
        ? [first, 0xfe, size >> 8, size & 255]
        : [first, 0xff, 0, 0, 0, 0, size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255];
  const mask = [0x12, 0x34, 0x56, 0x78];
  const masked = bytes.map((byte, index) => byte ^ (mask[index & 3] as number));
  return Buffer.from([...header, ...mask, ...masked]);
}
