import type { Bytes, Server } from '../index.ts';
import { type BacklogLimits, Backlogs } from './backlogs.ts';
import type { Backplane, Delivered, PublishOptions } from './backplane.ts';
import { ErrTopicsClosed } from './errors.ts';
import { FoundBefore } from './found-before.ts';
import { LoopChannel } from './loop-channel.ts';
import { Presence, type PresenceOptions } from './presence.ts';
import { Pressure } from './pressure.ts';
import { safeOnError } from './program-calls.ts';
import { Resumes } from './resumes.ts';
import { drop, give, isGone, Message, pendingOf, type Subscriber } from './subscriber.ts';
import { checkFilter, checkTopic, isWild, TopicTree } from './topic-tree.ts';

/** What happens to a slow subscriber, one with more pending than `highWaterMark`. */
export type SlowPolicy =
  /** It misses messages until it has caught up. */
  | 'skip'
  /** The newest messages wait for it, up to `pendingMessagesMax`; it misses the older ones. */
  | 'drop-oldest'
  /** Its connection is closed. */
  | 'close'
  /** It gets everything, up to `maxOutboundBytes`; then its connection closes. */
  | 'queue'
  /** As `queue`; and `ready` tells publishers when to go on. */
  | 'pause';

const policies: readonly SlowPolicy[] = ['skip', 'drop-oldest', 'close', 'queue', 'pause'];

export interface TopicsOptions {
  /** Default `skip`. */
  readonly slow?: SlowPolicy;
  /** With `drop-oldest`: the most messages that wait for one subscriber. Default 100. */
  readonly pendingMessagesMax?: number;
  /** With `drop-oldest`: their bytes; the newest message waits in any case. Default 1 MiB. */
  readonly pendingBytesMax?: number;
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
   * process, what the codec of a subscriber has thrown, which then misses the message, of
   * messages that cannot be understood, and what a backplane tells that has no `onError` of its own. A
   * promise of `changed` that rejects counts as a throw. Default: a warning of the process, once for
   * the same in a row.
   */
  readonly onError?: (error: unknown) => void;
}

/** What the loops of all processes tell one another, at most once. */
const presenceTopic = '$gnet/presence';
/** Publishing and subscribing by topic name, across all loops of a server. Each loop has one. */
export class Topics {
  readonly #slow: SlowPolicy;
  readonly #backplane: Backplane | undefined;
  readonly #channel: LoopChannel;
  /** Topics that can be published under. */
  readonly #checked: FoundBefore<true>;
  /** By topic: those who have subscribed to just that. */
  readonly #exact = new Map<string, Set<Subscriber>>();
  readonly #wild = new TopicTree<Subscriber>();
  readonly #filters = new Map<Subscriber, Set<string>>();
  /** Of a backplane: how many want a filter. */
  readonly #heard = new Map<string, number>();
  /** Those above their high water mark when they were last given something. */
  readonly #full = new Set<Subscriber>();
  readonly #resumes: Resumes;
  readonly #encode: ((message: Delivered) => Bytes) | undefined;
  readonly #presence: Presence | null = null;
  readonly #onError: (error: unknown) => void;
  /** With `drop-oldest`. */
  readonly #backlogs: Backlogs | null;
  /** With `pause`. */
  readonly #pressure: Pressure | null;
  #skipped = 0;
  #isClosed = false;

  /** @internal Use `topics`. */
  constructor(name: string, options: TopicsOptions) {
    const { slow = 'skip', backplane, presence = false } = options;
    this.#checked = new FoundBefore((topic) => {
      checkTopic(topic);
      backplane?.check?.(topic);
      return true;
    });
    if (!policies.includes(slow)) {
      throw new TypeError(`Cannot use slow: '${slow}': it is one of ${policies.join(', ')}`);
    }
    this.#slow = slow;
    this.#backplane = backplane;
    this.#encode = options.encode;
    this.#onError = safeOnError(options.onError);
    this.#resumes = new Resumes({
      backplane,
      messageOf: (delivered) => this.#messageOf(delivered),
      onError: this.#onError,
    });
    this.#backlogs = slow === 'drop-oldest' ? new Backlogs(limitsOf(options), this.#onError) : null;
    this.#channel = new LoopChannel(name, {
      message: (delivered) => this.#receive(delivered),
      pressure: (sign) => this.#pressure?.take(sign),
      presence: (text) => this.#takePresence(text),
    });
    this.#pressure =
      slow === 'pause' ? new Pressure((pressure) => this.#channel.tell({ pressure })) : null;
    backplane?.start(
      (topic, data, position) => {
        if (topic === presenceTopic) this.#takePresence(String(data));
        else this.#receive(position === undefined ? { topic, data } : { topic, data, position });
      },
      { name, onError: this.#onError },
    );
    if (presence === false) return;
    backplane?.subscribe(presenceTopic);
    this.#presence = new Presence(
      presence === true ? {} : presence,
      (text) => this.#tellPresence(text),
      (topic) => this.#exact.get(topic)?.size ?? 0,
      () => this.#exact.keys(),
      this.#onError,
    );
  }

  /**
   * Subscribes to a topic, or with `+` and `#` to many. A subscriber gets a message once, even if
   * several of its filters match. Call `leave` when its connection closes; for one that has closed
   * before, and after `close`, this does nothing. @throws TypeError if it is not a filter; ErrTopicTooLong
   * with more than 128 levels, or beyond what the backplane takes; ErrTopicReserved below `$gnet`.
   */
  subscribe(subscriber: Subscriber, filter: string): void {
    checkFilter(filter);
    this.#backplane?.check?.(filter);
    if (this.#isClosed || isGone(subscriber)) return;
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
    this.#resumes.end(subscriber, filter);
    if (filters.size === 0) {
      this.#resumes.forget(subscriber);
      this.#filters.delete(subscriber);
      this.#full.delete(subscriber);
      this.#backlogs?.forget(subscriber);
    }
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
   * each message once, in order and as fast as it is taken, those that come meanwhile behind it. While one
   * of the same subscriber and filter is under way, a second one only waits for it. `slow` counts again
   * when that is over, which is when the promise resolves; until then a subscriber for which more than
   * 10,000 messages or 16 MiB wait is disconnected. @throws TypeError if it is not a filter, or if there
   * is no backplane that stores; what `subscribe` throws; what `encode` throws, after the subscription.
   */
  async resume(subscriber: Subscriber, filter: string, after: number): Promise<void> {
    if (this.#backplane?.replay === undefined) {
      throw new TypeError(`Cannot resume '${filter}': the backplane stores nothing`);
    }
    this.subscribe(subscriber, filter);
    if (this.#filters.get(subscriber)?.has(filter) !== true) return;
    const waiting = this.#backlogs?.take(subscriber) ?? [];
    await this.#resumes.begin(subscriber, filter, after, waiting);
  }

  /**
   * Sends `data` to every subscriber of the topic, on every loop, and with a backplane in every
   * process. For WebSockets a string is text and bytes are binary; connections encode both with
   * their codec. @returns how many subscribers of this loop got it; 0 when the backplane stores it
   * first. It does not wait for other loops. @throws TypeError if it is not a topic; ErrTopicTooLong
   * with more than 128 levels, or beyond what the backplane takes; ErrTopicReserved below `$gnet`;
   * ErrTopicsClosed after `close`.
   */
  publish(topic: string, data: Bytes, options: PublishOptions = {}): number {
    this.#checked.of(topic);
    if (this.#isClosed) throw new ErrTopicsClosed(topic);
    // In memory of its own: what was received is lent.
    const own = typeof data === 'string' ? data : new Uint8Array(data);
    return this.#sendAway(topic, own, options) ? this.#deliver({ topic, data: own }) : 0;
  }

  /** False when the message comes back by itself. */
  #sendAway(topic: string, data: Bytes, options: PublishOptions): boolean {
    const comesBack = this.#backplane?.stores?.(topic) === true;
    this.#backplane?.publish(topic, data, options);
    if (!comesBack) this.#channel.send(topic, data);
    return !comesBack;
  }

  /** Behind the back of `publish`: nobody else can say what a loop counts. */
  #tellPresence(presence: string): void {
    const comesBack = this.#backplane?.stores?.(presenceTopic) === true;
    this.#backplane?.publish(presenceTopic, presence);
    if (!comesBack) this.#channel.tell({ presence });
  }

  #takePresence(text: string): void {
    try {
      this.#presence?.take(text);
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Messages that slow subscribers of this loop have missed. */
  get skipped(): number {
    return this.#skipped + (this.#backlogs?.dropped ?? 0);
  }

  /**
   * With `slow: 'pause'`: resolves when no subscriber of the topic is slow, on any loop of this
   * process; undefined if none is now. Return it from the event that has published, or wait for it: gnet
   * reads no more of a publisher while the promise of its event is pending.
   */
  ready(topic: string): Promise<void> | undefined {
    return this.#pressure?.ready(topic);
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
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const subscriber of [...this.#filters.keys()]) this.leave(subscriber);
    this.#presence?.close();
    this.#pressure?.close();
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
    const data = this.#encode === undefined ? delivered.data : this.#encode(delivered);
    return new Message(delivered, data);
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
    const subscribers = this.#subscribersOf(topic);
    if (subscribers.size === 0) return 0;
    const message = this.#messageOf(delivered);
    let count = 0;
    for (const subscriber of subscribers) if (this.#send(subscriber, message, topic)) count++;
    return count;
  }

  /** What is wrong with one of them is no matter of the others, or of who publishes. */
  #send(subscriber: Subscriber, message: Message, topic: string): boolean {
    try {
      if (this.#sendBy(subscriber, message, topic)) return true;
    } catch (error) {
      this.#onError(error);
    }
    // Nobody may have told, or may have subscribed it behind its end.
    if (isGone(subscriber)) this.leave(subscriber);
    return false;
  }

  /** False if it misses the message. */
  #sendBy(subscriber: Subscriber, message: Message, topic: string): boolean {
    if (this.#resumes.hold(subscriber, message)) return !isGone(subscriber);
    switch (this.#slow) {
      case 'queue':
        return give(subscriber, message) || !isGone(subscriber);
      case 'pause':
        if (give(subscriber, message)) return true;
        if (isGone(subscriber)) return false;
        this.#pressure?.isFull(subscriber, topic);
        return true;
      case 'drop-oldest':
        return this.#backlogs?.send(subscriber, message) === true;
      default:
        return this.#sendUnlessSlow(subscriber, message);
    }
  }

  #sendUnlessSlow(subscriber: Subscriber, message: Message): boolean {
    if (this.#isSlow(subscriber)) {
      if (this.#slow === 'skip') this.#skipped++;
      else drop(subscriber);
      return false;
    }
    if (give(subscriber, message)) return true;
    if (isGone(subscriber)) return false;
    this.#full.add(subscriber);
    return true;
  }

  #isSlow(subscriber: Subscriber): boolean {
    if (this.#full.size === 0 || !this.#full.has(subscriber)) return false;
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

/** @throws RangeError if one is wrong. */
function limitsOf(options: TopicsOptions): BacklogLimits {
  const { pendingMessagesMax: messages = 100, pendingBytesMax: bytes = 1024 * 1024 } = options;
  for (const [name, value] of Object.entries({ messages, bytes })) {
    if (typeof value === 'number' && value >= 1) continue;
    throw new RangeError(`Cannot keep ${value} pending ${name}: give a number from 1 on`);
  }
  return { messages, bytes };
}
