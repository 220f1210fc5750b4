import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type Bytes, type Conn, type Prepared, prepare, type Server } from '../index.ts';
import { type PreparedMessage, prepareMessage, type WebSocketConn } from '../websocket/index.ts';
import type { Backplane, PublishOptions } from './backplane.ts';
import { Presence, type PresenceOptions } from './presence.ts';
import { checkFilter, checkTopic, isWild, TopicTree } from './topic-tree.ts';

/** Who can subscribe: a connection of the core, or a WebSocket. */
export type Subscriber = Conn | WebSocketConn;

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
  /** Counts the subscribers of all loops and processes: `hub.presence`. Default: none are counted. */
  readonly presence?: boolean | PresenceOptions;
  /**
   * Makes what subscribers get, once for all of a loop, as to tell them the position. Default: the data
   * as it was published.
   */
  readonly encode?: (message: Delivered) => Bytes;
  /**
   * Is told what `encode` or `changed` of `presence` has thrown for a message of another loop or
   * process, and of messages that cannot be understood. Default: a warning of the process.
   */
  readonly onError?: (error: unknown) => void;
}

/** A message as it comes to a loop. */
export interface Delivered {
  readonly topic: string;
  readonly data: Bytes;
  /** Where the backplane has stored it, for `resume`. Absent with one that does not store. */
  readonly position?: number;
}

/** What the loops of all processes tell one another, at most once. */
const presenceTopic = '$gnet/presence';
/** Messages that may come for a subscriber while it gets those of before. */
const heldMax = 10_000;
/** Looks whether a subscriber has taken what it got, in ms. */
const drainMs = 10;

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

function isWebSocket(subscriber: Subscriber): subscriber is WebSocketConn {
  return 'send' in subscriber;
}

function pendingOf(subscriber: Subscriber): number {
  return isWebSocket(subscriber) ? subscriber.bufferedAmount : subscriber.outboundBuffered();
}

function drop(subscriber: Subscriber): void {
  if (isWebSocket(subscriber)) subscriber.terminate();
  else subscriber.reset();
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
  /** Those that get what was stored before; what comes meanwhile waits. */
  readonly #resuming = new Map<Subscriber, { filters: number; readonly later: Message[] }>();
  readonly #encode: ((message: Delivered) => Bytes) | undefined;
  readonly #presence: Presence | null = null;
  readonly #onError: (error: unknown) => void;
  /** Messages that slow subscribers have missed. */
  skipped = 0;

  /** @internal Use `topics`. */
  constructor(name: string, options: TopicsOptions) {
    const { slow = 'skip', backplane, presence = false } = options;
    if (!['skip', 'close', 'queue'].includes(slow)) {
      throw new TypeError(`Cannot use slow: '${slow}': it is 'skip', 'close' or 'queue'`);
    }
    this.#slow = slow;
    this.#backplane = backplane;
    this.#encode = options.encode;
    this.#onError =
      options.onError ?? ((error) => process.emitWarning(`Topics: ${inspect(error)}`));
    this.#channel = new BroadcastChannel(`gnet topics ${name}`);
    this.#channel.onmessage = (event) => {
      this.#receive((event as { readonly data: unknown }).data as Delivered);
    };
    // It must not keep the program running.
    (this.#channel as unknown as { unref(): void }).unref();
    backplane?.start((topic, data, position) => {
      this.#receive(position === undefined ? { topic, data } : { topic, data, position });
    });
    if (presence === false) return;
    backplane?.subscribe(presenceTopic);
    this.#presence = new Presence(
      presence === true ? {} : presence,
      (text) => this.#sendAway(presenceTopic, text, {}),
      (topic) => this.#exact.get(topic)?.size ?? 0,
      () => this.#exact.keys(),
      this.#onError,
    );
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
      this.#presence?.changedHere(filter);
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
      this.#presence?.changedHere(filter);
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
   * Subscribes, and first sends what the backplane has stored behind the position `after`, 0 for all:
   * each message once, in order, those that come meanwhile behind it. `slow` counts again when that is
   * over, which is when the promise resolves. @throws TypeError if it is not a filter, or if there
   * is no backplane that stores; what `encode` throws, after the subscription.
   */
  async resume(subscriber: Subscriber, filter: string, after: number): Promise<void> {
    const backplane = this.#backplane;
    if (backplane?.replay === undefined) {
      throw new TypeError(`Cannot resume '${filter}': the backplane stores nothing`);
    }
    this.subscribe(subscriber, filter);
    const resuming = this.#resuming.get(subscriber) ?? { filters: 0, later: [] };
    this.#resuming.set(subscriber, resuming);
    resuming.filters++;
    try {
      const before: Message[] = [];
      await backplane.replay(filter, after, (topic, data, position) => {
        before.push(
          this.#messageOf(position === undefined ? { topic, data } : { topic, data, position }),
        );
      });
      await this.#pour(subscriber, before);
    } finally {
      resuming.filters--;
      while (resuming.filters === 0 && resuming.later.length > 0) {
        await this.#pour(subscriber, resuming.later.splice(0));
      }
      // Another filter of this one may have begun meanwhile.
      if (resuming.filters === 0) this.#resuming.delete(subscriber);
    }
  }

  /** Sends as fast as it is taken. */
  async #pour(subscriber: Subscriber, messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      if (!this.#filters.has(subscriber)) return;
      if (this.#give(subscriber, message)) continue;
      while (this.#filters.has(subscriber) && pendingOf(subscriber) > 0) await delay(drainMs);
    }
  }

  /**
   * Sends `data` to every subscriber of the topic, on every loop, and with a backplane in every
   * process. For WebSockets a string is text and bytes are binary; connections encode both with
   * their codec. @returns how many subscribers of this loop got it; 0 when the backplane stores it
   * first. It does not wait for other loops. @throws TypeError if it is not a topic.
   */
  publish(topic: string, data: Bytes, options: PublishOptions = {}): number {
    checkTopic(topic);
    // In memory of its own: what was received is lent.
    const own = typeof data === 'string' ? data : Uint8Array.from(data);
    return this.#sendAway(topic, own, options) ? this.#deliver({ topic, data: own }) : 0;
  }

  /** False when the message comes back by itself. */
  #sendAway(topic: string, data: Bytes, options: PublishOptions): boolean {
    const comesBack = this.#backplane?.stores?.(topic) === true;
    if (!comesBack) this.#channel.postMessage({ topic, data } satisfies Delivered);
    this.#backplane?.publish(topic, data, options);
    return !comesBack;
  }

  /**
   * How many have subscribed to just this topic, on all loops and in all processes. It is right a
   * moment after a change. What a killed loop or process had is counted until it has been silent for
   * three intervals. @throws TypeError without the option `presence`.
   */
  presence(topic: string): number {
    if (this.#presence === null) {
      throw new TypeError(`Cannot count the presence in '${topic}': set the option presence`);
    }
    return this.#presence.count(topic);
  }

  /** The number of subscribers on this loop that would get a message of this topic. */
  count(topic: string): number {
    return this.#subscribersOf(topic).size;
  }

  /** Stops delivering and closes the backplane. */
  async close(): Promise<void> {
    for (const subscriber of [...this.#filters.keys()]) this.leave(subscriber);
    this.#presence?.close();
    this.#channel.close();
    await this.#backplane?.close();
  }

  #subscribersOf(topic: string): ReadonlySet<Subscriber> {
    const exact = this.#exact.get(topic);
    if (this.#wild.size === 0) return exact ?? new Set();
    const found = new Set(exact);
    this.#wild.collect(topic, found);
    return found;
  }

  #messageOf(delivered: Delivered): Message {
    return new Message(this.#encode === undefined ? delivered.data : this.#encode(delivered));
  }

  /** A message of another loop or process: nobody here may throw into who brings it. */
  #receive(delivered: Delivered): void {
    try {
      this.#deliver(delivered);
    } catch (error) {
      this.#onError(error);
    }
  }

  #deliver(delivered: Delivered): number {
    const { topic } = delivered;
    if (topic === presenceTopic) this.#presence?.take(String(delivered.data));
    const subscribers = this.#subscribersOf(topic);
    if (subscribers.size === 0) return 0;
    const message = this.#messageOf(delivered);
    let count = 0;
    for (const subscriber of subscribers) if (this.#send(subscriber, message)) count++;
    return count;
  }

  #send(subscriber: Subscriber, message: Message): boolean {
    const resuming = this.#resuming.size > 0 ? this.#resuming.get(subscriber) : undefined;
    if (resuming !== undefined) {
      resuming.later.push(message);
      // It takes less than comes: it is to begin again later.
      if (resuming.later.length > heldMax) drop(subscriber);
      return true;
    }
    if (this.#slow !== 'queue' && this.#isSlow(subscriber)) {
      if (this.#slow === 'skip') this.skipped++;
      else drop(subscriber);
      return false;
    }
    if (!this.#give(subscriber, message)) this.#full.add(subscriber);
    return true;
  }

  /** False when it has more pending than its high water mark. */
  #give(subscriber: Subscriber, message: Message): boolean {
    if (isWebSocket(subscriber)) return subscriber.send(message.prepared);
    return subscriber.asyncWrite(message.plain);
  }

  #isSlow(subscriber: Subscriber): boolean {
    if (!this.#full.has(subscriber)) return false;
    if (pendingOf(subscriber) > 0) return true;
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
