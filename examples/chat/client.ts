/**
 * A client that comes back: it gets what was said meanwhile, and says again what nobody has confirmed.
 * It uses the WebSocket of browsers, which Node has, too.
 */
import type { Heard, Here, Join, Say } from './messages.ts';

export interface ChatEvents {
  said(message: Heard): void;
  here?(count: number): void;
  /** Its connection has broken; it tries again. */
  away?(): void;
}

/** Between attempts, in ms: the first, and the longest. */
const waitMs = 100;
const waitMaxMs = 5_000;

export class ChatClient {
  readonly #urls: readonly string[];
  readonly #name: string;
  readonly #room: string;
  readonly #events: ChatEvents;
  /** By id: what has not come back yet. */
  readonly #unconfirmed = new Map<string, string>();
  #socket: WebSocket | null = null;
  #attempt = 0;
  #wait = waitMs;
  /** Of the last message that was heard. */
  #position = 0;
  #isClosed = false;
  #waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(urls: readonly string[], name: string, room: string, events: ChatEvents) {
    this.#urls = urls;
    this.#name = name;
    this.#room = room;
    this.#events = events;
    this.#connect();
  }

  say(text: string): void {
    const id = crypto.randomUUID();
    this.#unconfirmed.set(id, text);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#send(id, text);
  }

  #send(id: string, text: string): void {
    const say: Say = { say: text, room: this.#room, id, name: this.#name };
    this.#socket?.send(JSON.stringify(say));
  }

  #connect(): void {
    const url = this.#urls[this.#attempt++ % this.#urls.length] as string;
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      const join: Join = { join: this.#room, after: this.#position };
      socket.send(JSON.stringify(join));
      for (const [id, text] of this.#unconfirmed) this.#send(id, text);
    });
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data))));
    // Whatever failed, `close` follows.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => this.#comeBack());
  }

  #take(message: Heard | Here): void {
    this.#wait = waitMs;
    if ('here' in message) {
      this.#events.here?.(message.here);
      return;
    }
    this.#position = message.position;
    this.#unconfirmed.delete(message.id);
    this.#events.said(message);
  }

  /** Not all at the same time, when a server has gone with thousands of clients. */
  #comeBack(): void {
    if (this.#isClosed) return;
    this.#events.away?.();
    this.#waiting = setTimeout(() => this.#connect(), this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(2 * this.#wait, waitMaxMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#waiting);
    this.#socket?.close();
  }
}
