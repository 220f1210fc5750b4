/** A backplane over Redis or Valkey: publish and subscribe, at most once. */
import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import type { Bytes } from '../index.ts';
import type { Backplane, BackplaneHub } from './backplane.ts';
import { Envelopes } from './envelope.ts';
import { BackplaneErrors } from './program-calls.ts';
import { isWild } from './topic-tree.ts';

export interface RedisBackplaneOptions {
  /** In front of every channel. Default `gnet:`. */
  readonly prefix?: string;
  /** Of ioredis. */
  readonly redis?: Omit<RedisOptions, 'replyMapping'>;
  /**
   * Is told why Redis cannot be reached, or what it refuses. Attempts go on. Default: `onError` of the
   * topics.
   */
  readonly onError?: (error: Error) => void;
}

class RedisBackplane implements Backplane {
  readonly #prefix: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #errors: BackplaneErrors;
  #envelopes = new Envelopes('');
  /** Several filters may come to one pattern: how many do. */
  readonly #patterns = new Map<string, number>();
  #deliver: (topic: string, data: Bytes) => void = () => {};

  constructor(url: string, options: RedisBackplaneOptions) {
    this.#prefix = options.prefix ?? 'gnet:';
    this.#errors = new BackplaneErrors(options.onError);
    const own = {
      // Subscriptions wait for the connection, however long that takes.
      maxRetriesPerRequest: null,
      ...options.redis,
    };
    // What cannot be sent now is lost, and does not wait.
    this.#publisher = new Redis(url, { ...own, enableOfflineQueue: false });
    this.#subscriber = new Redis(url, own);
    for (const client of [this.#publisher, this.#subscriber]) client.on('error', this.#errors.tell);
    const take = (channel: Buffer, message: Buffer): void => this.#take(channel, message);
    this.#subscriber.on('messageBuffer', take);
    this.#subscriber.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) =>
      take(channel, message),
    );
  }

  start(deliver: (topic: string, data: Bytes) => void, hub: BackplaneHub): void {
    this.#envelopes = new Envelopes(hub.name);
    this.#errors.start(hub);
    this.#deliver = deliver;
  }

  /** A call that ends with its connection is not refused: why there is none, its client has told. */
  readonly #refused = (error: Error): void => {
    if (error instanceof ReplyError) this.#errors.tell(error);
  };

  publish(topic: string, data: Bytes): void {
    const message = this.#envelopes.pack(data);
    this.#publisher.publish(this.#prefix + topic, message).catch(this.#refused);
  }

  #take(channel: Buffer, message: Buffer): void {
    const data = this.#envelopes.open(message);
    if (data !== null) this.#deliver(channel.toString().slice(this.#prefix.length), data);
  }

  /** A pattern of Redis that matches at least what the filter does. */
  #patternOf(filter: string): string {
    const escaped = (this.#prefix + filter).replaceAll(/[*?[\]\\]/g, '\\$&');
    return escaped.replace(/\/?#$/, '*').replaceAll('+', '*');
  }

  subscribe(filter: string): void {
    if (!isWild(filter)) {
      this.#subscriber.subscribe(this.#prefix + filter).catch(this.#refused);
      return;
    }
    const pattern = this.#patternOf(filter);
    const count = this.#patterns.get(pattern) ?? 0;
    this.#patterns.set(pattern, count + 1);
    if (count === 0) this.#subscriber.psubscribe(pattern).catch(this.#refused);
  }

  unsubscribe(filter: string): void {
    if (!isWild(filter)) {
      this.#subscriber.unsubscribe(this.#prefix + filter).catch(this.#refused);
      return;
    }
    const pattern = this.#patternOf(filter);
    const count = this.#patterns.get(pattern) ?? 0;
    this.#patterns.set(pattern, count - 1);
    if (count > 1) return;
    this.#patterns.delete(pattern);
    this.#subscriber.punsubscribe(pattern).catch(this.#refused);
  }

  async close(): Promise<void> {
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }
}

/**
 * Topics over Redis: `topics(server, { backplane: redisBackplane('redis://127.0.0.1:6379') })`.
 * Needs the package `ioredis`. It reconnects and subscribes again by itself; messages of the time
 * between are lost.
 */
export function redisBackplane(url: string, options: RedisBackplaneOptions = {}): Backplane {
  return new RedisBackplane(url, options);
}
