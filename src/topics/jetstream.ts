/** A backplane over a stream of NATS JetStream: messages are stored, and arrive once and in order. */
import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Bytes } from '../index.ts';
import type {
  Backplane,
  BackplaneHub,
  Deliver,
  DeliverStored,
  PublishOptions,
} from './backplane.ts';
import { JetStreamFeed, textHeader } from './jetstream-feed.ts';
import { JetStreamOutbox } from './jetstream-outbox.ts';
import { NatsSubjects } from './nats.ts';
import { NatsLink, type NatsLinkOptions } from './nats-link.ts';
import { checkSubject, subjectOf } from './nats-subjects.ts';
import { BackplaneErrors } from './program-calls.ts';

/** Of the stream that is made when there is none of that name. One that is there stays as it is. */
export interface JetStreamStreamOptions {
  /** Default `gnet`. */
  readonly name?: string;
  /** Default `file`: what is in memory is lost with the server. */
  readonly storage?: 'file' | 'memory';
  /** How many servers of a cluster hold each message, 1 to 5. Default 1. */
  readonly replicas?: number;
  /** How long a message is kept, in ms. Default 3,600,000, an hour. */
  readonly maxAge?: number;
  /** Bytes of all messages; the oldest go first. Default 1 GiB. */
  readonly maxBytes?: number;
  /** How many messages of one topic are kept, the latest. Default: all. */
  readonly messagesPerTopic?: number;
  /** How long an id is remembered, in ms, at most `maxAge`. Default 120,000, two minutes. */
  readonly duplicateWindow?: number;
}

export interface JetStreamBackplaneOptions extends NatsLinkOptions {
  /** In front of every subject. Default `gnet.`. */
  readonly prefix?: string;
  readonly stream?: JetStreamStreamOptions;
  /** Messages of one loop that wait to be stored; more go to `onError`. Default 10,000. */
  readonly pendingMessagesMax?: number;
  /** Their bytes. Default 16 MiB. */
  readonly pendingBytesMax?: number;
  /** The latest messages that a loop keeps in memory, up to 4 MiB, for replays. Default 1,000. */
  readonly recent?: number;
  /** The most that one replay gives, the latest. Default 10,000. */
  readonly replayMax?: number;
}

const nanosPerMs = 1_000_000;

function configOf(prefix: string, options: JetStreamStreamOptions) {
  const { maxAge = 3_600_000, duplicateWindow = Math.min(120_000, maxAge) } = options;
  return {
    name: options.name ?? 'gnet',
    subjects: [`${prefix}>`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    storage: options.storage === 'memory' ? StorageType.Memory : StorageType.File,
    num_replicas: options.replicas ?? 1,
    max_age: maxAge * nanosPerMs,
    max_bytes: options.maxBytes ?? 1024 ** 3,
    max_msgs_per_subject: options.messagesPerTopic ?? -1,
    duplicate_window: duplicateWindow * nanosPerMs,
  };
}

/** In front of the subjects that are not stored. */
function passingOf(prefix: string): string {
  return `passing-${prefix}`;
}

class JetStreamBackplane implements Backplane {
  readonly #prefix: string;
  readonly #errors: BackplaneErrors;
  readonly #link: NatsLink;
  readonly #outbox: JetStreamOutbox;
  readonly #feed: JetStreamFeed;
  /** For topics that begin with `$`. */
  readonly #passing: NatsSubjects;
  readonly #sender = crypto.randomUUID();
  #count = 0;

  constructor(servers: string | readonly string[], options: JetStreamBackplaneOptions) {
    const { prefix = 'gnet.', nats = {} } = options;
    this.#prefix = prefix;
    this.#errors = new BackplaneErrors(options.onError);
    const { tell: onError } = this.#errors;
    this.#outbox = new JetStreamOutbox({
      messages: options.pendingMessagesMax ?? 10_000,
      bytes: options.pendingBytesMax ?? 16 * 1024 * 1024,
    });
    this.#feed = new JetStreamFeed({
      prefix,
      stream: configOf(prefix, options.stream ?? {}),
      recent: options.recent ?? 1_000,
      replayMax: options.replayMax ?? 10_000,
    });
    this.#passing = new NatsSubjects(passingOf(prefix), onError);
    this.#link = new NatsLink(servers, { nats, onError }, [
      this.#outbox,
      this.#feed,
      this.#passing,
    ]);
    this.#outbox.use(this.#link);
    this.#feed.use(this.#link);
  }

  start(deliver: Deliver, hub: BackplaneHub): void {
    this.#errors.start(hub);
    this.#feed.deliver = deliver;
    this.#passing.start(deliver, hub);
    void this.#link.start();
  }

  stores(topic: string): boolean {
    return !topic.startsWith('$');
  }

  check(topic: string): void {
    checkSubject(passingOf(this.#prefix), topic);
  }

  publish(topic: string, data: Bytes, options: PublishOptions = {}): void {
    if (!this.stores(topic)) {
      this.#passing.publish(topic, data);
      return;
    }
    const fields = headers();
    if (typeof data === 'string') fields.set(textHeader, '1');
    const id = options.id ?? `${this.#sender}-${++this.#count}`;
    this.#outbox.add(subjectOf(this.#prefix, topic), data, id, fields);
  }

  /** The stream brings everything; each loop looks who wants it. */
  subscribe(filter: string): void {
    if (filter.startsWith('$')) this.#passing.subscribe(filter);
  }

  unsubscribe(filter: string): void {
    if (filter.startsWith('$')) this.#passing.unsubscribe(filter);
  }

  replay(filter: string, after: number, deliver: DeliverStored): Promise<void> {
    return this.#feed.replay(filter, after, deliver);
  }

  async close(): Promise<void> {
    this.#feed.close();
    this.#passing.disconnected();
    await this.#link.close();
  }
}

/**
 * Topics over NATS with JetStream: messages are stored, arrive once, and those who were away get what
 * they missed: `hub.resume`. Needs `@nats-io/transport-node`, `@nats-io/jetstream` and a nats-server
 * with `--jetstream`. Topics that begin with `$` are not stored, and are delivered at most once.
 */
export function jetStreamBackplane(
  servers: string | readonly string[] = 'nats://127.0.0.1:4222',
  options: JetStreamBackplaneOptions = {},
): Backplane {
  return new JetStreamBackplane(servers, options);
}
