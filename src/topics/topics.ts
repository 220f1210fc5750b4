import { type Bytes, type Conn, type Prepared, prepare, type Server } from '../index.ts';
import { type PreparedMessage, prepareMessage, type WebSocketConn } from '../websocket/index.ts';
import type { Backplane } from './backplane.ts';
import { checkFilter, checkTopic, isWild, TopicTree } from './topic-tree.ts';

/** Who can subscribe: a connection of the core, or a WebSocket. */
export type Subscriber = Conn<never> | WebSocketConn<never>;

/** What happens to a slow subscriber, one with more pending than `highWaterMark`. */
export type SlowPolicy =
  /** It misses messages until it has caught up. */
  | 'skip'
  /** Its connection is closed. */
  | 'close'
  /** It gets everything, up to `maxOutboundBytes`; then its connection closes. */
  | 'queue';

export interface TopicsOptions {
  /** Default `skip`. */
  readonly slow?: SlowPolicy;
  /** Carries messages to other processes. */
  readonly backplane?: Backplane;
}

interface Published {
  readonly topic: string;
  readonly data: Bytes;
}

/** What is sent to each: made once, however many there are. */
class Message {
  readonly data: Bytes;
  #plain: Prepared | null = null;
  #prepared: PreparedMessage | null = null;

  constructor(data: Bytes) {
    this.data = data;
  }

  /** For connections of the core. */
  get plain(): Prepared {
    this.#plain ??= prepare(this.data);
    return this.#plain;
  }

  /** For WebSockets. */
  get prepared(): PreparedMessage {
    this.#prepared ??= prepareMessage(this.data);
    return this.#prepared;
  }
}

function isWebSocket(subscriber: Subscriber): subscriber is WebSocketConn<never> {
  return 'send' in subscriber;
}

/** Publishing and subscribing by topic name, across all loops of a server. Each loop has one. */
export class Topics {
  readonly #slow: SlowPolicy;
  readonly #backplane: Backplane | undefined;
  readonly #channel: BroadcastChannel;
  /** By topic: those who have subscribed to just that. */
  readonly #exact = new Map<string, Set<Subscriber>>();
  readonly #wild = new TopicTree<Subscriber>();
  readonly #filters = new Map<Subscriber, Set<string>>();
  /** Of a backplane: how many want a filter. */
  readonly #heard = new Map<string, number>();
  /** Those above their high water mark when they were last given something. */
  readonly #full = new WeakSet<Subscriber>();
  /** Messages that slow subscribers have missed. */
  skipped = 0;

  /** @internal Use `topics`. */
  constructor(name: string, options: TopicsOptions) {
    const { slow = 'skip', backplane } = options;
    if (!['skip', 'close', 'queue'].includes(slow)) {
      throw new TypeError(`Cannot use slow: '${slow}': it is 'skip', 'close' or 'queue'`);
    }
    this.#slow = slow;
    this.#backplane = backplane;
    this.#channel = new BroadcastChannel(`gnet topics ${name}`);
    this.#channel.onmessage = (event) => {
      const { topic, data } = (event as { readonly data: unknown }).data as Published;
      this.#deliver(topic, data);
    };
    // It must not keep the program running.
    (this.#channel as unknown as { unref(): void }).unref();
    backplane?.start((topic, data) => this.#deliver(topic, data));
  }

  /**
   * Subscribes to a topic, or with `+` and `#` to many. A subscriber gets a message once, even if
   * several of its filters match. Call `leave` when its connection closes. @throws TypeError if it
   * is not a filter.
   */
  subscribe(subscriber: Subscriber, filter: string): void {
    checkFilter(filter);
    let filters = this.#filters.get(subscriber);
    if (filters === undefined) {
      filters = new Set();
      this.#filters.set(subscriber, filters);
    }
    if (filters.has(filter)) return;
    filters.add(filter);
    if (isWild(filter)) this.#wild.add(filter, subscriber);
    else {
      const set = this.#exact.get(filter);
      if (set === undefined) this.#exact.set(filter, new Set([subscriber]));
      else set.add(subscriber);
    }
    this.#hear(filter);
  }

  unsubscribe(subscriber: Subscriber, filter: string): void {
    const filters = this.#filters.get(subscriber);
    if (filters?.delete(filter) !== true) return;
    if (filters.size === 0) this.#filters.delete(subscriber);
    if (isWild(filter)) this.#wild.remove(filter, subscriber);
    else {
      const set = this.#exact.get(filter);
      set?.delete(subscriber);
      if (set?.size === 0) this.#exact.delete(filter);
    }
    this.#hearNoMore(filter);
  }

  /** Ends all subscriptions of a subscriber. */
  leave(subscriber: Subscriber): void {
    for (const filter of [...(this.#filters.get(subscriber) ?? [])]) {
      this.unsubscribe(subscriber, filter);
    }
  }

  /**
   * Sends `data` to every subscriber of the topic, on every loop, and with a backplane in every
   * process. For WebSockets a string is text and bytes are binary; connections encode both with
   * their codec. @returns how many subscribers of this loop got it. It does not wait for other
   * loops. @throws TypeError if it is not a topic.
   */
  publish(topic: string, data: Bytes): number {
    checkTopic(topic);
    // In memory of its own: what was received is lent.
    const own = typeof data === 'string' ? data : Uint8Array.from(data);
    this.#channel.postMessage({ topic, data: own } satisfies Published);
    this.#backplane?.publish(topic, own);
    return this.#deliver(topic, own);
  }

  /** The number of subscribers on this loop that would get a message of this topic. */
  count(topic: string): number {
    return this.#subscribersOf(topic).size;
  }

  /** Stops delivering and closes the backplane. */
  async close(): Promise<void> {
    this.#channel.close();
    for (const subscriber of [...this.#filters.keys()]) this.leave(subscriber);
    await this.#backplane?.close();
  }

  #subscribersOf(topic: string): ReadonlySet<Subscriber> {
    const exact = this.#exact.get(topic);
    if (this.#wild.size === 0) return exact ?? new Set();
    const found = new Set(exact);
    this.#wild.collect(topic, found);
    return found;
  }

  #deliver(topic: string, data: Bytes): number {
    const subscribers = this.#subscribersOf(topic);
    if (subscribers.size === 0) return 0;
    const message = new Message(data);
    let count = 0;
    for (const subscriber of subscribers) if (this.#send(subscriber, message)) count++;
    return count;
  }

  #send(subscriber: Subscriber, message: Message): boolean {
    const ofWebSocket = isWebSocket(subscriber);
    if (this.#slow !== 'queue' && this.#isSlow(subscriber)) {
      if (this.#slow === 'skip') this.skipped++;
      else if (ofWebSocket) subscriber.terminate();
      else subscriber.reset();
      return false;
    }
    const hasRoom = ofWebSocket
      ? subscriber.send(message.prepared)
      : subscriber.asyncWrite(message.plain);
    if (!hasRoom) this.#full.add(subscriber);
    return true;
  }

  #isSlow(subscriber: Subscriber): boolean {
    if (!this.#full.has(subscriber)) return false;
    const pending = isWebSocket(subscriber)
      ? subscriber.bufferedAmount
      : subscriber.outboundBuffered();
    if (pending > 0) return true;
    this.#full.delete(subscriber);
    return false;
  }

  #hear(filter: string): void {
    if (this.#backplane === undefined) return;
    const count = this.#heard.get(filter) ?? 0;
    this.#heard.set(filter, count + 1);
    if (count === 0) this.#backplane.subscribe(filter);
  }

  #hearNoMore(filter: string): void {
    const count = this.#heard.get(filter);
    if (count === undefined) return;
    if (count > 1) {
      this.#heard.set(filter, count - 1);
      return;
    }
    this.#heard.delete(filter);
    this.#backplane?.unsubscribe(filter);
  }
}

/**
 * Makes the topics of a server. Call it once in each loop's thread, with the server or with a name
 * that is the same in all of them, and keep the returned object.
 */
export function topics(server: Server | string, options: TopicsOptions = {}): Topics {
  return new Topics(typeof server === 'string' ? server : server.addr, options);
}
