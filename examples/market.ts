/**
 * A market over WebSockets, with two kinds of messages and what each means for a subscriber that reads
 * too slowly: of prices it gets the newest and misses the older ones (`drop-oldest`); of trades it gets
 * every one, and who trades waits for it (`pause`).
 *
 *   npm run example examples/market.ts -- --port 8080 --tick 100ms
 *
 * Then, in the console of a browser, or in Node:
 *
 *   const ws = new WebSocket('ws://127.0.0.1:8080');
 *   ws.onmessage = ({ data }) => console.log(data);
 *   ws.onopen = () => ws.send('10 tulips');
 */
import { isMainLoop } from 'gnet';
import { topics } from 'gnet/topics';
import { serveWebSocket, type WebSocketConn, type WebSocketHandler } from 'gnet/websocket';
import { announce, endWithReason, readFlags, serveOptions } from './lib/flags.ts';

const GOODS = ['tulips', 'tea', 'salt'];

const prices = topics('market prices', { slow: 'drop-oldest', pendingMessagesMax: GOODS.length });
const trades = topics('market trades', { slow: 'pause' });

const handler: WebSocketHandler = {
  open(ws: WebSocketConn) {
    prices.subscribe(ws, 'prices/+');
    trades.subscribe(ws, 'trades');
  },
  message(ws, data, isText) {
    if (!isText) return ws.close(1003, 'text, please');
    trades.publish('trades', `${ws.remoteAddr} buys ${data}`);
    // Nothing more is read of this one until everybody has room for the next trade.
    return trades.ready('trades');
  },
  close(ws: WebSocketConn) {
    prices.leave(ws);
    trades.leave(ws);
  },
};

const flags = readFlags({ port: 8080, host: '127.0.0.1', tick: '1s' });
const server = await serveWebSocket(handler, `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  // Somebody who takes nothing for that long would hold up all trade.
  writeTimeout: 10_000,
}).catch(endWithReason);
announce(server, 'ws');

function publishPrices(): void {
  for (const good of GOODS) {
    prices.publish(`prices/${good}`, `${good} ${(100 * Math.random()).toFixed(2)}`);
  }
}

// One thread makes the prices, and those of all loops hear them.
const timer = isMainLoop ? setInterval(publishPrices, flags.tickMs) : undefined;
await server.closed;
clearInterval(timer);
await Promise.all([prices.close(), trades.close()]);
