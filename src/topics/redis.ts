/** A backplane over Redis or Valkey: publish and subscribe, at most once. */
import { hostname } from 'node:os';
import { Redis, type RedisOptions } from 'ioredis';
import type { Bytes } from '../index.ts';
import type { Backplane } from './backplane.ts';
import { isWild } from './topic-tree.ts';

export interface RedisBackplaneOptions {
  /** In front of every channel. Default `gnet:`. */
  readonly prefix?: string;
  /** Of ioredis. */
  readonly redis?: Omit<RedisOptions, 'replyMapping'>;
}

/** The same in all loops of a process, which hear of one another without Redis. */
const ORIGIN = Buffer.from(`${hostname()}/${process.pid}`);
/** Messages carry who has sent them: a byte with its length, the name, the thread's count. */
const COUNT_BYTES = 6;

class RedisBackplane implements Backplane {
  readonly #prefix: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  /** By sender: the last message of it. Several filters bring one message several times. */
  readonly #last = new Map<string, number>();
  /** Several filters may come to one pattern: how many do. */
  readonly #patterns = new Map<string, number>();
  #deliver: (topic: string, data: Bytes) => void = () => {};
  #count = 0;
  readonly #sender: Buffer;

  constructor(url: string, options: RedisBackplaneOptions) {
    this.#prefix = options.prefix ?? 'gnet:';
    const own = {
      // Subscriptions wait for the connection, however long that takes.
      maxRetriesPerRequest: null,
      ...options.redis,
    };
    // What cannot be sent now is lost, and does not wait.
    this.#publisher = new Redis(url, { ...own, enableOfflineQueue: false });
    this.#subscriber = new Redis(url, own);
    for (const client of [this.#publisher, this.#subscriber]) client.on('error', () => {});
    const id = Buffer.from(Math.random().toString(36).slice(2));
    this.#sender = Buffer.concat([ORIGIN, Buffer.from([0]), id]);
    const take = (channel: Buffer, message: Buffer): void => this.#take(channel, message);
    this.#subscriber.on('messageBuffer', take);
    this.#subscriber.on('pmessageBuffer', (_pattern: Buffer, channel: Buffer, message: Buffer) =>
      take(channel, message),
    );
  }

  start(deliver: (topic: string, data: Bytes) => void): void {
    this.#deliver = deliver;
  }

  publish(topic: string, data: Bytes): void {
    const isText = typeof data === 'string';
    const payload = isText ? Buffer.from(data) : data;
    const { length } = this.#sender;
    const message = Buffer.allocUnsafe(2 + length + COUNT_BYTES + payload.length);
    message[0] = isText ? 1 : 0;
    message[1] = length;
    message.set(this.#sender, 2);
    message.writeUIntBE(++this.#count, 2 + length, COUNT_BYTES);
    message.set(payload, 2 + length + COUNT_BYTES);
    this.#publisher.publish(this.#prefix + topic, message).catch(() => {});
  }

  #take(channel: Buffer, message: Buffer): void {
    const length = message[1] ?? 0;
    const start = 2 + length + COUNT_BYTES;
    // Other programs publish there too.
    if (message.length < start) return;
    const sender = message.subarray(2, 2 + length);
    const end = sender.indexOf(0);
    if (end >= 0 && sender.subarray(0, end).equals(ORIGIN)) return;
    const name = sender.toString('latin1');
    const count = message.readUIntBE(2 + length, COUNT_BYTES);
    if (count <= (this.#last.get(name) ?? 0)) return;
    this.#last.set(name, count);
    const topic = channel.toString().slice(this.#prefix.length);
    const data = message.subarray(start);
    this.#deliver(topic, message[0] === 1 ? data.toString() : data);
  }

  /** A pattern of Redis that matches at least what the filter does. */
  #patternOf(filter: string): string {
    const escaped = (this.#prefix + filter).replaceAll(/[*?[\]\\]/g, '\\$&');
    return escaped.replace(/\/?#$/, '*').replaceAll('+', '*');
  }

  subscribe(filter: string): void {
    if (!isWild(filter)) {
      this.#subscriber.subscribe(this.#prefix + filter).catch(() => {});
      return;
    }
    const pattern = this.#patternOf(filter);
    const count = this.#patterns.get(pattern) ?? 0;
    this.#patterns.set(pattern, count + 1);
    if (count === 0) this.#subscriber.psubscribe(pattern).catch(() => {});
  }

  unsubscribe(filter: string): void {
    if (!isWild(filter)) {
      this.#subscriber.unsubscribe(this.#prefix + filter).catch(() => {});
      return;
    }
    const pattern = this.#patternOf(filter);
    const count = this.#patterns.get(pattern) ?? 0;
    this.#patterns.set(pattern, count - 1);
    if (count > 1) return;
    this.#patterns.delete(pattern);
    this.#subscriber.punsubscribe(pattern).catch(() => {});
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
