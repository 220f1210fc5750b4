/**
 * A server of WebSockets for tests. What a client sends is
 *
 *   `+FILTER`, `-FILTER`, `=FILTER POSITION` to resume, `?TOPIC` for how many are there,
 *   `TOPIC text`, `!ID TOPIC text`, or `die`, which ends the thread of the loop.
 *
 *   member.ts LOOPS [URL]   (`redis://…`, `nats://…` or `jetstream://…`)
 *
 * With `jetstream:` what subscribers get begins with its position.
 */
import { isMainLoop } from 'gnet';
import { topics, type TopicsOptions } from 'gnet/topics';
import { serveWebSocket, type WebSocketHandler } from 'gnet/websocket';

const [loops = '1', url] = process.argv.slice(2);
const options: { -readonly [Name in keyof TopicsOptions]: TopicsOptions[Name] } = {
  presence: { interval: 100 },
};
const nats = { reconnectTimeWait: 50 };
if (url?.startsWith('nats:')) {
  const { natsBackplane } = await import('gnet/topics/nats');
  options.backplane = natsBackplane(url, { nats });
} else if (url?.startsWith('jetstream:')) {
  const { jetStreamBackplane } = await import('gnet/topics/jetstream');
  options.backplane = jetStreamBackplane(url.replace('jetstream', 'nats'), { nats, recent: 20 });
  options.encode = ({ data, position }) => `${position} ${data}`;
} else if (url !== undefined) {
  const { redisBackplane } = await import('gnet/topics/redis');
  options.backplane = redisBackplane(url);
}
const hub = topics('test', options);

function publish(text: string, id?: string): void {
  const space = text.indexOf(' ');
  hub.publish(text.slice(0, space), text.slice(space + 1), id === undefined ? {} : { id });
}

const handler: WebSocketHandler = {
  message(ws, data) {
    const text = String(data);
    const [first = '', second = ''] = text.slice(1).split(' ');
    if (text === 'die') process.exit();
    else if (text.startsWith('+')) hub.subscribe(ws, first);
    else if (text.startsWith('-')) hub.unsubscribe(ws, first);
    else if (text.startsWith('=')) void hub.resume(ws, first, Number(second));
    else if (text.startsWith('?')) return `?${hub.presence(first)}`;
    else if (text.startsWith('!')) publish(text.slice(first.length + 2), first);
    else publish(text);
    return text.startsWith('+') || text.startsWith('-') ? text : null;
  },
  close: (ws) => hub.leave(ws),
} as WebSocketHandler;

const server = await serveWebSocket(handler, 'tcp://127.0.0.1:0', { numEventLoop: Number(loops) });
if (isMainLoop) console.log(`port ${server.addr.split(':').at(-1)}`);
