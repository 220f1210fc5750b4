/**
 * A chat with rooms, over WebSockets, that outgrows one process and survives what is killed: a loop, a
 * process, NATS. docs/scaling.md tells how it works.
 *
 *   nats-server --jetstream --store_dir /tmp/chat-store
 *   NATS=nats://127.0.0.1:4222 npm run example examples/chat/server.ts -- --port 9001 --loops 2
 *   NATS=nats://127.0.0.1:4222 npm run example examples/chat/server.ts -- --port 9002 --loops 2
 *   haproxy -f examples/chat/haproxy.cfg
 *   npm run example examples/chat/talk.ts -- Ada garden ws://127.0.0.1:9000
 *
 * Without NATS it is the chat of one process, and remembers nothing.
 */
import { type Topics, type TopicsOptions, topics } from 'gnet/topics';
import { serveWebSocket, type WebSocketConn, type WebSocketHandler } from 'gnet/websocket';
import { announce, endWithReason, readFlags, serveOptions } from '../lib/flags.ts';
import { type Heard, readRequest } from './messages.ts';

const { NATS: broker } = process.env;

/** One client is to cost no more than this. */
const roomsMax = 100;

const topicOf = (room: string): string => `rooms/${room}`;
const roomOf = (topic: string): string => topic.slice('rooms/'.length);

class Chat implements WebSocketHandler {
  /** Of this loop, by room: who is told how many are there. */
  readonly #rooms = new Map<string, Set<WebSocketConn>>();
  #hub: Topics | undefined;
  #making: Promise<Topics> | undefined;

  /** Made when the first client comes: the main thread of several loops has none. */
  async #topics(): Promise<Topics> {
    const options: TopicsOptions = {
      // Its client comes back and gets what it missed.
      slow: 'close',
      presence: { changed: (topic, count) => this.#tellPresence(roomOf(topic), count) },
      encode: ({ topic, data, position = 0 }) => {
        const said = JSON.parse(String(data)) as Omit<Heard, 'room' | 'position'>;
        return JSON.stringify({ room: roomOf(topic), position, ...said } satisfies Heard);
      },
    };
    if (broker === undefined) return topics('chat', options);
    const { jetStreamBackplane } = await import('gnet/topics/jetstream');
    const backplane = jetStreamBackplane(broker, {
      stream: { name: 'chat', messagesPerTopic: 1_000, maxAge: 7 * 24 * 3_600_000 },
      prefix: 'chat.',
      nats: { reconnectTimeWait: 250 },
    });
    return topics('chat', { ...options, backplane });
  }

  async message(ws: WebSocketConn, data: Buffer): Promise<void> {
    const request = readRequest(String(data));
    if (request === null) return ws.close(1008, 'join a room, then say something');
    if (this.#hub === undefined) {
      this.#making ??= this.#topics();
      this.#hub = await this.#making;
    }
    if ('say' in request) {
      const { room, say, id, name } = request;
      this.#hub.publish(topicOf(room), JSON.stringify({ id, name, text: say }), { id });
      return;
    }
    await this.#join(this.#hub, ws, request.join, request.after);
  }

  async #join(hub: Topics, ws: WebSocketConn, room: string, after: number): Promise<void> {
    // It may have gone while the topics were made: its `close` has been.
    if (!ws.isOpen) return;
    const joined = (ws.data as Set<string> | undefined) ?? new Set();
    ws.data = joined;
    joined.add(room);
    if (joined.size > roomsMax) return ws.close(1008, `join at most ${roomsMax} rooms`);
    let members = this.#rooms.get(room);
    if (members === undefined) {
      members = new Set();
      this.#rooms.set(room, members);
    }
    members.add(ws);
    if (broker === undefined) hub.subscribe(ws, topicOf(room));
    else await hub.resume(ws, topicOf(room), after);
    ws.send(JSON.stringify({ room, here: hub.presence(topicOf(room)) }));
  }

  #tellPresence(room: string, here: number): void {
    const text = JSON.stringify({ room, here });
    for (const ws of this.#rooms.get(room) ?? []) ws.send(text);
  }

  close(ws: WebSocketConn): void {
    for (const room of (ws.data as Set<string> | undefined) ?? []) {
      const members = this.#rooms.get(room);
      members?.delete(ws);
      if (members?.size === 0) this.#rooms.delete(room);
    }
    this.#hub?.leave(ws);
  }
}

const flags = readFlags({ port: 9_001 });
const server = await serveWebSocket(new Chat(), `tcp://${flags.host}:${flags.port}`, {
  ...serveOptions(flags),
  maxMessageBytes: 8 * 1024,
}).catch(endWithReason);
announce(server, 'ws');
