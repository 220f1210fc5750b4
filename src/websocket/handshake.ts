import { createHash } from 'node:crypto';
import { switchProtocol } from '../http/index.ts';
import type { Conn, EventLoop } from '../index.ts';
import { begin } from './codec.ts';
import { acceptOffer, Deflate } from './deflate.ts';
import { splitList } from './list.ts';
import {
  type ResolvedWebSocketOptions,
  resolveWebSocketOptions,
  type WebSocketHandler,
  type WebSocketOptions,
} from './options.ts';
import { PingClock } from './ping-clock.ts';
import { WebSocketSession } from './session.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** The answer to a client's key. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** Whether a list in a header names this, in any case. */
export function hasToken(header: string | null, token: string): boolean {
  return splitList(header ?? '', ',').some((one) => one.toLowerCase() === token);
}

const clocks = new WeakMap<EventLoop, Map<number, PingClock>>();

/** One clock for all WebSockets of a loop with this interval; null without pings. */
export function clockFor({ loop }: Conn<unknown>, intervalMs: number): PingClock | null {
  if (intervalMs === 0) return null;
  let ofLoop = clocks.get(loop);
  if (ofLoop === undefined) {
    ofLoop = new Map();
    clocks.set(loop, ofLoop);
  }
  const all = ofLoop;
  const wholeMs = Math.max(1, Math.ceil(intervalMs));
  let clock = all.get(wholeMs);
  if (clock === undefined) {
    clock = new PingClock(loop, wholeMs, () => all.delete(wholeMs));
    all.set(wholeMs, clock);
  }
  return clock;
}

function refuse(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${text}\n`, { status, headers });
}

/** Why a request begins no WebSocket; null when it does. */
function refusalOf(request: Request): Response | null {
  const { headers, method } = request;
  const isWanted =
    hasToken(headers.get('upgrade'), 'websocket') && hasToken(headers.get('connection'), 'upgrade');
  if (!isWanted) {
    return refuse(426, 'This is a WebSocket', { upgrade: 'websocket', connection: 'upgrade' });
  }
  if (headers.get('sec-websocket-version') !== '13') {
    return refuse(426, 'Only version 13 is spoken', { 'sec-websocket-version': '13' });
  }
  if (method !== 'GET') return refuse(405, 'A WebSocket begins with GET', { allow: 'GET' });
  if (KEY.test(headers.get('sec-websocket-key') ?? '')) return null;
  return refuse(400, 'The key of the WebSocket is none');
}

/** The first of ours that the client knows, too. */
function chooseProtocol(request: Request, options: ResolvedWebSocketOptions): string {
  const offered = request.headers.get('sec-websocket-protocol');
  if (offered === null) return '';
  const names = new Set(splitList(offered, ','));
  return options.protocols.find((name) => names.has(name)) ?? '';
}

/**
 * Answers a request of `gnet/http` that begins a WebSocket: return what this returns. What is no such
 * request is answered with its status, and no event is called.
 *
 * Any page may make a browser ask: check `request.headers.get('origin')` where cookies say who it is.
 * @throws RangeError for options that are wrong, TypeError for a request of somebody else's.
 */
export function upgrade<Data = unknown>(
  request: Request,
  handler: WebSocketHandler<Data>,
  options: WebSocketOptions<Data> = {},
): Response {
  const resolved = resolveWebSocketOptions(options);
  const refusal = refusalOf(request);
  if (refusal !== null) return refusal;
  const protocol = chooseProtocol(request, resolved);
  const offers = request.headers.get('sec-websocket-extensions');
  const accepted =
    offers === null || resolved.deflate === null ? null : acceptOffer(offers, resolved.deflate);
  const headers: Record<string, string> = {
    upgrade: 'websocket',
    'sec-websocket-accept': acceptOf(request.headers.get('sec-websocket-key') ?? ''),
  };
  if (protocol !== '') headers['sec-websocket-protocol'] = protocol;
  if (accepted !== null) headers['sec-websocket-extensions'] = accepted.answer;
  return switchProtocol(request, headers, (conn) => {
    const session = new WebSocketSession<Data>({
      conn,
      handler,
      options: resolved,
      isClient: false,
      protocol,
      deflate: accepted === null ? null : new Deflate(accepted.agreement, resolved.deflate ?? {}),
      clock: clockFor(conn, resolved.pingInterval),
      data: options.data as Data,
    });
    begin(session as WebSocketSession);
  });
}
