/**
 * A server of WebSockets for tests: what a client sends is `+FILTER`, `-FILTER` or `TOPIC text`.
 *
 *   member.ts LOOPS [URL]   (`redis://…` or `nats://…`)
 */
import { isMainLoop } from 'gnet';
import { topics, type TopicsOptions } from 'gnet/topics';
import { serveWebSocket, type WebSocketConn, type WebSocketHandler } from 'gnet/websocket';

const [loops = '1', url] = process.argv.slice(2);
const options: { -readonly [Name in keyof TopicsOptions]: TopicsOptions[Name] } = {};
if (url?.startsWith('nats:')) {
  const { natsBackplane } = await import('gnet/topics/nats');
  options.backplane = natsBackplane(url, { nats: { reconnectTimeWait: 50 } });
} else if (url !== undefined) {
  const { redisBackplane } = await import('gnet/topics/redis');
  options.backplane = redisBackplane(url);
}
const hub = topics('test', options);

const handler: WebSocketHandler = {
  message(ws: WebSocketConn<never>, data) {
    const text = String(data);
    if (text.startsWith('+')) hub.subscribe(ws, text.slice(1));
    else if (text.startsWith('-')) hub.unsubscribe(ws, text.slice(1));
    else {
      const space = text.indexOf(' ');
      hub.publish(text.slice(0, space), text.slice(space + 1));
    }
    return text.startsWith('+') || text.startsWith('-') ? text : null;
  },
  close: (ws: WebSocketConn<never>) => hub.leave(ws),
} as WebSocketHandler;

const server = await serveWebSocket(handler, 'tcp://127.0.0.1:0', { numEventLoop: Number(loops) });
if (isMainLoop) console.log(`port ${server.addr.split(':').at(-1)}`);
